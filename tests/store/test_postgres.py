"""The same contract on PostgreSQL, in a fresh database of a throw-away cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor, Request
from keelway.store.chain.audit import verify
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.lesson.search import is_ours
from keelway.store.tables import METADATA
from keelway.testing.conformance.ledger import LedgerTests
from keelway.testing.conformance.lessons import LessonTests
from keelway.testing.conformance.usage import UsageTests

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_database(url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="book")
def the_ledger(ledger):
    return ledger


class TestPostgresLessons(LessonTests):
    pass


class TestPostgresLedger(LedgerTests):
    pass


class TestPostgresUsage(UsageTests):
    pass


def test_the_migrations_make_what_the_code_expects(engine):
    with engine.connect() as connection:
        options = {"include_name": lambda name, kind, _: is_ours(name, kind)}
        options |= {"version_table": "keel_schema"}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_the_chain_is_guarded_and_verified(engine, home, ledger):
    ledger.record(Event(EventKind.OBSERVED, NOW))
    assert verify(engine, home).ok
    for change in ("UPDATE keel_events SET task = 'x'", "DELETE FROM keel_events", "TRUNCATE keel_events"):
        with (
            pytest.raises(DBAPIError, match="append-only"),
            engine.connect() as connection,
            connection.begin(),
        ):
            connection.execute(text(change))
    with engine.connect() as connection, connection.begin():
        connection.execute(text("ALTER TABLE keel_events DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE keel_events SET task = 'x'"))
    assert verify(engine, home).bad_sequence == 1


def test_writers_stand_in_one_line(engine, home):
    won = []

    def work(name: str) -> None:
        ledger = SqlLedger(engine, home)
        for n in range(10):
            ledger.record(Event(EventKind.WATCH_CHECKED, NOW, name, data={"n": n}))
            if ledger.create(Request("x", Actor("owner"), NOW), "app", f"k{n}")[1]:
                won.append(n)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won) == list(range(10))
    report = verify(engine, home)
    assert (report.ok, report.examined) == (True, 50)


def test_the_old_queries_run(engine, ledger):
    ledger.log("error", "monitoring", "504")
    with engine.connect() as connection, connection.begin():
        count = "SELECT COUNT(*) FROM agent_logs WHERE log_level = 'error' AND timestamp > NOW() - INTERVAL '1 hour'"
        assert connection.execute(text(count)).scalar() == 1
        connection.execute(
            text("UPDATE agent_state SET value = value\\:\\:int + 1 WHERE key = 'total_issues_fixed'")
        )
        for view in ("agent_tasks", "agent_task_stages", "agent_reports", "agent_state"):
            connection.execute(text(f"SELECT * FROM {view}"))
    assert ledger.state("total_issues_fixed") == "1"
