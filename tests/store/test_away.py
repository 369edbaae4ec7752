"""The database is away, frozen or full: clear faults, nothing half written, and work again when it is back."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from keelway.core.errors import TheirFault
from keelway.core.model.event import Event, EventKind
from keelway.store import dialect
from keelway.store.chain.audit import verify
from keelway.store.chain.journal import Journal
from keelway.store.database import open_database, upgrade
from keelway.store.fault import store_fault
from keelway.store.ledger import SqlLedger
from keelway.testing.conformance.ledger import some_request


def an_event(**data) -> Event:
    return Event(EventKind.OBSERVED, datetime.now(UTC), data=data)


def test_a_full_disk_of_sqlite_changes_nothing(engine, home, ledger):
    ledger.create(some_request(), "app", "k")
    before = len(ledger.events())

    def bound(raw, _record):
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count={pages + 2}").close()

    event.listen(engine, "connect", bound)
    engine.dispose()
    with pytest.raises(TheirFault) as caught:
        ledger.record(an_event(x="y" * 500_000))
    assert (caught.value.code, "db vacuum" in caught.value.hint) == ("disk_full", True)
    event.remove(engine, "connect", bound)
    engine.dispose()
    assert len(ledger.events()) == before
    assert ledger.record(an_event()) == before + 1
    assert verify(engine, home).ok


def test_a_read_only_store_is_told(engine, home, ledger):
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only=ON").close())
    engine.dispose()
    with pytest.raises(TheirFault) as caught:
        ledger.record(an_event())
    assert caught.value.hint


class TestServer:
    @pytest.fixture
    def engine(self, postgres_url):
        engine = open_database(postgres_url)
        upgrade(engine)
        yield engine
        engine.dispose()

    def test_a_connection_that_the_server_has_ended_is_replaced(self, engine, home, postgres_cluster):
        ledger = SqlLedger(engine, home)
        ledger.record(an_event())
        name = engine.url.database
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        assert postgres_cluster.sql(ended)
        assert ledger.record(an_event()) == 2
        assert verify(engine, home).ok

    def test_a_write_that_is_cut_off_leaves_nothing(self, engine, home, postgres_cluster):
        ledger, journal = SqlLedger(engine, home), Journal(engine, home)
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{engine.url.database}' AND state = 'idle in transaction'"
        )

        def cut_off():
            with journal.entry() as entry:
                entry.append(an_event(cut="off"))
                assert postgres_cluster.sql(ended)

        with pytest.raises(TheirFault) as caught:
            cut_off()
        assert (caught.value.code, bool(caught.value.hint)) == ("store_down", True)
        assert ledger.events() == ()
        assert ledger.record(an_event()) == 1
        assert verify(engine, home).ok

    def test_a_frozen_writer_does_not_hold_up_the_others(self, postgres_url, home, monkeypatch):
        first = open_database(postgres_url)
        upgrade(first)
        first.dispose()
        monkeypatch.setattr(dialect, "SILENT_MILLISECONDS", 500)
        engine = open_database(postgres_url)
        inside, over, said = threading.Event(), threading.Event(), []

        def freeze():
            try:
                with Journal(engine, home).entry() as entry:
                    entry.append(an_event(frozen=True))
                    inside.set()
                    over.wait(20)
            except TheirFault as fault:
                said.append(fault.code)

        frozen = threading.Thread(target=freeze)
        frozen.start()
        assert inside.wait(10)
        ledger, end = SqlLedger(engine, home), time.monotonic() + 10
        while time.monotonic() < end:
            try:
                assert ledger.record(an_event()) == 1
                break
            except TheirFault:
                continue
        over.set()
        frozen.join(10)
        assert said == ["store_down"]
        assert [link.event.data for link in ledger.events()] == [{}]
        assert verify(engine, home).ok
        engine.dispose()


@pytest.mark.soak
def test_a_server_that_was_away_is_told_and_then_used_again(make_cluster, home):
    cluster = make_cluster()
    engine = open_database(cluster.url("postgres"))
    upgrade(engine)
    ledger = SqlLedger(engine, home)
    ledger.record(an_event())
    cluster.stop()
    for use in (lambda: ledger.record(an_event()), ledger.events, lambda: SqlLedger(engine, home)):
        with pytest.raises(TheirFault) as caught:
            use()
        assert (caught.value.code, "start the server" in caught.value.hint) == ("store_down", True)
    assert ledger.set_freeze("owner", "the stop works without the database").active
    cluster.start()
    assert ledger.record(an_event()) == 2
    assert verify(engine, home).ok
    engine.dispose()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("could not extend file: No space left on device", "disk_full"),
        ("database or disk is full", "disk_full"),
        ('connection failed: FATAL:  password authentication failed for user "k"', "store_login"),
        ('connection failed: FATAL:  database "k" does not exist', "store_missing"),
        ("connection failed: Connection refused", "store_down"),
        ("the database system is starting up", "store_down"),
        ("database disk image is malformed", "store_damaged"),
        ("database is locked", "store_busy"),
        ("canceling statement due to lock timeout", "store_busy"),
        ("something else", "store_unavailable"),
    ],
)
def test_every_trouble_has_its_code_and_a_next_step(words, code):
    fault = store_fault(sqlite3.OperationalError(words))
    assert (fault.code, bool(fault.hint)) == (code, True)
