"""The list of workers on both databases: its promises, its clock, its patience, what it forgets."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from keelway.core.errors import TheirFault
from keelway.store.database import open_database, upgrade
from keelway.store.roster import KEPT_SECONDS, SqlRoster, open_roster
from keelway.store.tables import WORKERS
from keelway.testing.clock import VirtualClock
from keelway.testing.conformance.roster import LEASE, RosterTests, worker
from keelway.testing.fakes.roster import FakeRoster

_TIMES = ("joined_at", "heard_at", "left_at", "dead_at")


def _grow_older(engine, seconds):
    with engine.connect().execution_options(keel_write=True) as connection, connection.begin():
        for row in connection.execute(select(WORKERS)).all():
            older = {
                name: getattr(row, name) - timedelta(seconds=seconds) for name in _TIMES if getattr(row, name)
            }
            connection.execute(update(WORKERS).where(WORKERS.c.id == row.id).values(**older))


@pytest.fixture
def pass_seconds(roster):
    if isinstance(roster, FakeRoster):
        return roster.clock.advance
    return lambda seconds: _grow_older(roster._engine, seconds)


class TestFakeRoster(RosterTests):
    @pytest.fixture
    def roster(self):
        return FakeRoster(VirtualClock())


class TestSqliteRoster(RosterTests):
    @pytest.fixture
    def roster(self, engine, url):
        roster = open_roster(url)
        yield roster
        roster.close()


class TestPostgresRoster(RosterTests):
    @pytest.fixture
    def roster(self, postgres_url):
        database = open_database(postgres_url)
        upgrade(database)
        database.dispose()
        roster = open_roster(postgres_url)
        yield roster
        roster.close()


def test_the_dead_are_forgotten_after_a_day_and_the_living_never(engine, url):
    roster = SqlRoster(engine)
    for name in ("dead", "left", "quiet"):
        roster.join(worker(name), LEASE)
    roster.leave("left")
    assert roster.claim_dead("quiet", LEASE, ("dead",)) == ("dead", "left")
    _grow_older(engine, KEPT_SECONDS + 1)
    roster.join(worker("new"), LEASE)
    assert [seen.worker.id for seen in roster.workers()] == ["quiet", "new"]


def test_the_clock_is_that_of_the_database(postgres_url):
    database = open_database(postgres_url)
    upgrade(database)
    said = []
    event.listen(database, "before_cursor_execute", lambda *told: said.append((told[2], told[3])))
    roster = SqlRoster(database)
    roster.join(worker("a"), LEASE)
    roster.beat("a")
    roster.claim_dead("b", LEASE, ("a",))
    writes = [(statement, values) for statement, values in said if "keel_workers" in statement]
    database.dispose()
    assert sum("clock_timestamp()" in statement for statement, _ in writes) == len(writes) >= 4
    assert not any("20" in str(value)[:2] and "-" in str(value) for _, values in writes for value in values)


def test_a_claim_is_one_statement(engine):
    said = []
    roster = SqlRoster(engine)
    roster.join(worker("a"), LEASE)
    event.listen(engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    assert roster.claim_dead("b", LEASE, ("a",)) == ("a",)
    assert [statement.split()[0] for statement in said if "keel_workers" in statement] == ["UPDATE"]


def test_a_beat_gives_up_early_when_the_database_does_not_answer(postgres_url):
    database = open_database(postgres_url)
    upgrade(database)
    roster = open_roster(postgres_url, patience_seconds=0.2)
    roster.join(worker("a"), LEASE)
    with database.connect() as holder, holder.begin():
        holder.exec_driver_sql("LOCK TABLE keel_workers")
        begin = time.monotonic()
        with pytest.raises(TheirFault) as caught:
            roster.beat("a")
        assert time.monotonic() - begin < 10
    assert caught.value.code == "store_unavailable"
    assert roster.beat("a")
    roster.close()
    database.dispose()
