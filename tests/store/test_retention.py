"""Retention: what is over its time goes, and nothing that an open task, a live release or a way back needs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert, select

from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.policy import ArtefactPolicy
from keelway.store.chain.audit import verify
from keelway.store.chain.journal import Journal
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.store.tables import DEPLOYMENTS, LOGS, SAMPLES, TASKS
from keelway.store.upkeep.claim import HOLD_SECONDS, KEY, Claim
from keelway.store.upkeep.needed import WAYS_BACK, needed
from keelway.store.upkeep.retention import Retention

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STATUSES = ("running", "observing", "live", "superseded", "rolled_back", "failed")
KEEPS = STATUSES[:4]
POLICY = ArtefactPolicy(inline_bytes_max=10, retention_days=7, log_days=30)
ages = st.sampled_from([0, 6, 8, 29, 31, 400])


@dataclass(frozen=True)
class Past:
    """Describe one task of the past: is it open, how old is everything it left, what was deployed how."""

    open: bool
    age_days: int
    deployments: tuple[tuple[str, int], ...]
    """Status and age in days of its samples."""
    large: bool


pasts = st.lists(
    st.builds(
        Past,
        st.booleans(),
        ages,
        st.lists(st.tuples(st.sampled_from(STATUSES), ages), max_size=3).map(tuple),
        st.booleans(),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def blank(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "keelway.sqlite"
    engine = open_database(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


def fill(engine: Engine, ledger: SqlLedger, tasks: list[Past]) -> list[str]:
    """Write the past; return the reference of each task's artefact."""
    references = []
    with engine.connect() as connection, connection.begin():
        for n, past in enumerate(tasks):
            at = NOW - timedelta(days=past.age_days)
            row = {
                "id": f"t{n}",
                "number": n,
                "project": "p",
                "key": f"k{n}",
                "intent": "x",
                "status": "research",
            }
            row |= {"created_at": at, "updated_at": at, "completed_at": None if past.open else at}
            connection.execute(insert(TASKS).values(**row))
            connection.execute(insert(LOGS).values(message="m", task_id=f"t{n}", timestamp=at))
            for d, (status, age) in enumerate(past.deployments):
                seen = NOW - timedelta(days=age)
                row = {
                    "id": f"t{n}d{d}",
                    "task": f"t{n}",
                    "environment": "production",
                    "release": "r",
                    "sha": "s",
                }
                connection.execute(insert(DEPLOYMENTS).values(**row, status=status, started_at=seen))
                sample = {"deployment": f"t{n}d{d}", "series": "r", "at": seen, "figures": {}}
                connection.execute(insert(SAMPLES).values(**sample))
    for n, past in enumerate(tasks):
        ledger._journal.clock = lambda age=past.age_days: NOW - timedelta(days=age)
        content = f"artefact of {n}" if past.large else f"a{n}"
        references.append(ledger.save_artefact(f"t{n}", "a", content))
    ledger._journal.clock = lambda: NOW
    return references


@given(tasks=pasts)
@settings(max_examples=15)
def test_nothing_that_is_needed_goes_and_all_else_does(blank, tmp_path_factory, tasks):
    home = tmp_path_factory.mktemp("home")
    shutil.copy(blank, home / "keelway.sqlite")
    engine = open_database(f"sqlite:///{home / 'keelway.sqlite'}")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    ledger = SqlLedger(engine, home, artefacts=POLICY)
    references = fill(engine, ledger, tasks)
    chain = len(ledger.events(limit=10_000))
    retention, stay = Retention(Journal(engine, home, lambda: NOW)), needed(engine)
    old = NOW - timedelta(days=30)
    counted = (
        len(ledger.due(NOW, stay.tasks)),
        retention.old_logs(old, stay),
        retention.old_samples(old, stay),
    )
    removed = (
        ledger.sweep(NOW, stay.tasks),
        retention.remove_logs(old, stay),
        retention.remove_samples(old, stay),
    )
    assert removed == counted

    served = [past.open or any(status in KEEPS for status, _ in past.deployments) for past in tasks]
    with engine.connect() as connection:
        logs = set(connection.execute(select(LOGS.c.task_id)).scalars())
        samples = set(connection.execute(select(SAMPLES.c.deployment)).scalars())
        assert len(connection.execute(select(TASKS)).all()) == len(tasks)
        assert len(connection.execute(select(DEPLOYMENTS)).all()) == sum(len(p.deployments) for p in tasks)
    assert logs == {f"t{n}" for n, past in enumerate(tasks) if served[n] or past.age_days <= 30}
    assert samples == {
        f"t{n}d{d}"
        for n, past in enumerate(tasks)
        for d, (status, age) in enumerate(past.deployments)
        if past.open or status in KEEPS or age <= 30
    }
    for n, past in enumerate(tasks):
        if served[n] or past.age_days <= 7:
            assert ledger.artefact(references[n])
        else:
            with pytest.raises(YourFault, match="retention is over"):
                ledger.artefact(references[n])
    assert len(ledger.events(limit=10_000)) >= chain
    assert verify(engine, home).ok
    again = (
        retention.remove_logs(old, stay),
        retention.remove_samples(old, stay),
        ledger.sweep(NOW, stay.tasks),
    )
    assert again == (0, 0, 0)
    engine.dispose()


def test_more_rows_than_one_round_go_in_several(engine, home, monkeypatch):
    monkeypatch.setattr("keelway.store.upkeep.retention.ROUND", 7)
    ledger = SqlLedger(engine, home)
    at = NOW - timedelta(days=40)
    with engine.connect() as connection, connection.begin():
        connection.execute(insert(LOGS), [{"message": str(n), "timestamp": at} for n in range(20)])
    retention = Retention(Journal(engine, home))
    assert retention.remove_logs(NOW, needed(engine)) == 20
    told = [link.event.data for link in ledger.events() if link.event.data.get("record") == "retention"]
    assert [entry["removed"] for entry in told] == [7, 7, 6]


def test_only_the_newest_deployments_are_ways_back(engine):
    with engine.connect() as connection, connection.begin():
        for n in range(WAYS_BACK + 5):
            row = {"id": f"d{n:03}", "task": f"t{n}", "environment": "production", "release": "r", "sha": "s"}
            at = NOW + timedelta(minutes=n)
            status = "live" if n == 0 else "superseded"
            connection.execute(insert(DEPLOYMENTS).values(**row, status=status, started_at=at))
    stay = needed(engine)
    assert stay.deployments == {"d000", *(f"d{n:03}" for n in range(5, WAYS_BACK + 5))}
    assert "t1" not in stay.tasks


class TestClaim:
    @pytest.fixture
    def clock(self):
        return [NOW]

    @pytest.fixture
    def claim(self, engine, home, clock):
        return Claim(Journal(engine, home, lambda: clock[0]))

    def test_one_at_a_time(self, claim, clock):
        assert claim.take("a")
        with pytest.raises(RequestRefused, match="a looks after the store since"):
            claim.take("b")
        claim.give_back("b")
        with pytest.raises(RequestRefused):
            claim.take("b")
        claim.give_back("a")
        clock[0] += timedelta(seconds=1)
        assert claim.take("b")
        assert claim.last().by == "b"

    def test_a_dead_holder_keeps_it_for_an_hour_at_most(self, claim, clock):
        assert claim.take("a")
        clock[0] += timedelta(seconds=HOLD_SECONDS)
        assert claim.take("b")

    def test_a_long_work_holds_on_and_learns_that_it_was_lost(self, claim, clock):
        assert claim.take("a")
        for _ in range(3):
            clock[0] += timedelta(seconds=HOLD_SECONDS - 1)
            claim.renew("a")
        with pytest.raises(RequestRefused):
            claim.take("b")
        clock[0] += timedelta(seconds=HOLD_SECONDS)
        assert claim.take("b")
        with pytest.raises(RequestRefused, match="Somebody else"):
            claim.renew("a")

    def test_it_is_taken_only_when_due(self, claim, clock, engine, home):
        SqlLedger(engine, home).record(Event(EventKind.POLICY_LOADED, NOW - timedelta(days=9)))
        asked = []

        def due(last, now):
            asked.append((last, now))
            return len(asked) > 1

        assert claim.take("a", due) is False
        assert claim.last() is None
        assert claim.take("a", due) is True
        assert asked == [(NOW - timedelta(days=9), NOW)] * 2
        claim.give_back("a")
        assert claim.take("a", lambda last, now: last < now) is False

    def test_a_value_that_is_no_claim_counts_as_none(self, claim, engine, home):
        SqlLedger(engine, home).set_state(KEY, "[]")
        assert claim.last() is None
        assert claim.take("a")
