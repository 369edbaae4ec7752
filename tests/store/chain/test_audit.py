"""Any edit, deletion or reordering of events is found, whoever may write to the file."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from keelway.core.model.event import Event, EventKind, chain
from keelway.store.chain import audit
from keelway.store.chain.audit import verify
from keelway.store.chain.journal import link_hash
from keelway.store.chain.witness import Head, Witness
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger

COUNT = 8
COLUMNS = ("hash", "previous", "body", "key", "kind", "task", "at")
GUARDS = ("keel_events_no_update", "keel_events_no_delete")


def fill(ledger: SqlLedger, count: int = COUNT) -> None:
    for n in range(count):
        event = Event(
            EventKind.WATCH_CHECKED, datetime(2026, 1, 1, 0, 0, n, tzinfo=UTC), f"t{n}", key=f"k{n}"
        )
        ledger.record(event)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("original")
    engine = open_database(f"sqlite:///{home}/keelway.sqlite")
    upgrade(engine)
    fill(SqlLedger(engine, home))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return home


def forged(original: Path, target: Path, *statements: str) -> Path:
    shutil.copytree(original, target, dirs_exist_ok=True)
    connection = sqlite3.connect(target / "keelway.sqlite", isolation_level=None)
    for guard in GUARDS:
        connection.execute(f"DROP TRIGGER {guard}")
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return target


def verdict(home: Path) -> audit.Report:
    engine = open_database(f"sqlite:///{home}/keelway.sqlite")
    try:
        return verify(engine, home)
    finally:
        engine.dispose()


def test_an_untouched_chain_fits(original):
    report = verdict(original)
    assert (report.ok, report.examined, report.bad_sequence) == (True, COUNT, None)


def test_pages_join(original, monkeypatch):
    monkeypatch.setattr(audit, "PAGE", 3)
    assert verdict(original).examined == COUNT


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.integers(1, COUNT),
    st.sampled_from(COLUMNS),
    st.sampled_from(["'x'", "''", "'2026-01-01 00:00:59.000000'", "7", "x'ff'", "CAST(x'ff' AS TEXT)"]),
)
def test_any_edit_is_found(original, tmp_path, sequence, column, value):
    home = forged(
        original, tmp_path / "h", f"UPDATE keel_events SET {column}={value} WHERE sequence={sequence}"
    )
    report = verdict(home)
    assert (report.ok, report.bad_sequence) == (False, sequence)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sets(st.integers(1, COUNT), min_size=1))
def test_any_deletion_is_found(original, tmp_path, gone):
    places = ",".join(map(str, gone))
    home = forged(original, tmp_path / "h", f"DELETE FROM keel_events WHERE sequence IN ({places})")
    report = verdict(home)
    assert (report.ok, report.bad_sequence) == (False, min(gone))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.permutations(range(1, COUNT + 1)).filter(lambda order: order != list(range(1, COUNT + 1))))
def test_any_reordering_is_found(original, tmp_path, order):
    moves = [f"UPDATE keel_events SET sequence=-{n} WHERE sequence={n}" for n in order]
    moves += [
        f"UPDATE keel_events SET sequence={place} WHERE sequence=-{n}" for place, n in enumerate(order, 1)
    ]
    report = verdict(forged(original, tmp_path / "h", *moves))
    first = next(place for place, n in enumerate(order, 1) if n != place)
    assert (report.ok, report.bad_sequence) == (False, first)


def test_a_cut_tail_is_found_even_when_the_head_row_agrees(original, tmp_path):
    home = forged(
        original,
        tmp_path / "h",
        "DELETE FROM keel_events WHERE sequence > 5",
        "UPDATE keel_chain SET sequence = 5, hash = (SELECT hash FROM keel_events WHERE sequence = 5)",
    )
    report = verdict(home)
    assert (report.ok, report.bad_sequence) == (False, 6)
    assert "Tail lost" in report.sentence


def test_a_chain_that_was_rewritten_whole_is_found(original, tmp_path):
    home = forged(original, tmp_path / "h")
    connection = sqlite3.connect(home / "keelway.sqlite", isolation_level=None)
    previous = "0" * 64
    for sequence, body in connection.execute("SELECT sequence, body FROM keel_events").fetchall():
        other = json.dumps(
            json.loads(body) | {"actor": "somebody@else"}, sort_keys=True, separators=(",", ":")
        )
        fresh = link_hash(previous, sequence, other)
        connection.execute(
            "UPDATE keel_events SET body=?, hash=?, previous=? WHERE sequence=?",
            (other, fresh, previous, sequence),
        )
        previous = fresh
    connection.execute("UPDATE keel_chain SET hash=?", (previous,))
    connection.close()
    assert "rewritten" in verdict(home).sentence


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"\xff"])
def test_a_witness_that_is_gone_or_broken_is_told(original, tmp_path, content):
    home = forged(original, tmp_path / "h")
    (home / "audit.head").unlink()
    if content is not None:
        (home / "audit.head").write_bytes(content)
    assert not verdict(home).ok


def test_a_witness_from_before_a_crash_is_no_alarm_and_catches_up(engine, home, ledger):
    fill(ledger, 2)
    old = Witness(home).read()
    fill_more = Event(EventKind.WATCH_CHECKED, datetime.now(UTC))
    ledger.record(fill_more)
    (home / "audit.head").write_text(json.dumps({"sequence": old.sequence, "hash": old.hash}))
    assert verify(engine, home).ok
    ledger.record(fill_more)
    assert Witness(home).read().sequence == 4


def test_a_witness_never_goes_back(tmp_path):
    witness = Witness(tmp_path)
    for head in (Head(3, "c"), Head(2, "b"), Head(1_000_000, "d" * 64)):
        witness.advance(head, lambda _: "c")
    assert witness.read() == Head(1_000_000, "d" * 64)


@pytest.mark.parametrize("at_once", [1, 4])
def test_later_events_do_not_cover_up_a_cut_tail(original, tmp_path, at_once):
    home = forged(
        original,
        tmp_path / "h",
        "DELETE FROM keel_events WHERE sequence > 5",
        "UPDATE keel_chain SET sequence = 5, hash = (SELECT hash FROM keel_events WHERE sequence = 5)",
    )
    engine = open_database(f"sqlite:///{home}/keelway.sqlite")
    ledger = SqlLedger(engine, home)
    for _ in range(12 // at_once):
        with ledger._journal.entry() as entry:
            for _ in range(at_once):
                entry.append(Event(EventKind.OBSERVED, datetime.now(UTC)))
    engine.dispose()
    assert (verdict(home).ok, verdict(home).bad_sequence) == (False, COUNT)


def test_a_lost_or_wrong_head_row_is_told(original, tmp_path):
    assert not verdict(forged(original, tmp_path / "a", "DELETE FROM keel_chain")).ok
    assert not verdict(forged(original, tmp_path / "b", "UPDATE keel_chain SET hash = 'x'")).ok


@pytest.mark.parametrize("change", ["UPDATE keel_events SET task = 'x'", "DELETE FROM keel_events"])
def test_the_database_itself_refuses_to_change_an_event(ledger, engine, change):
    fill(ledger, 1)
    with pytest.raises(DBAPIError, match="append-only"), engine.connect() as connection, connection.begin():
        connection.execute(text(change))
    assert len(ledger.events()) == 1


@given(st.text(), st.dictionaries(st.text(), st.integers() | st.text()), st.integers(1, 10**9))
def test_the_hash_is_the_one_of_the_core(previous, data, sequence):
    from keelway.core.codec import canonical

    event = Event(EventKind.OBSERVED, datetime(2026, 1, 1, tzinfo=UTC), data=data)
    assert link_hash(previous, sequence, canonical(event)) == chain(previous, sequence, event)
