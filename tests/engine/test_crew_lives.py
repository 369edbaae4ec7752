"""Workers on PostgreSQL, in processes that are killed and frozen."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.engine.crew_child import QUEUES, STAGES, STORIES
from tests.engine.rig import Rig, until

from keelway.core.errors import OurFault, TheirFault, YourFault
from keelway.engine.crew import Crew, this_worker
from keelway.engine.durable import DbosEngine
from keelway.store.database import open_database, upgrade
from keelway.store.roster import open_roster
from keelway.testing.conformance.engine import QUEUES as THEIRS
from keelway.testing.conformance.engine import EngineTests

WITHIN_SECONDS = 30.0


@pytest.fixture
def rig(tmp_path, crew_url):
    rig = Rig(tmp_path, crew_url)
    yield rig
    rig.close()


@pytest.fixture
def roster(crew_url):
    roster = open_roster(crew_url)
    yield roster
    roster.close()


@pytest.fixture
def work(tmp_path, crew_url, roster):
    """Make engines of this process that are workers."""
    made = []

    def work(*roles, lease=30.0, beat=0.2, name="here"):
        crew = Crew(this_worker(roles or ("all",)), roster, beat, lease)
        made.append(DbosEngine(crew_url, tmp_path / name, crew, poll_seconds=0.05))
        return made[-1]

    yield work
    for engine in made:
        engine.close()


def _stories(count, **payload):
    return {f"T{n}": ["deliver", {"steps": 6, "seconds": 0.1, **payload}] for n in range(count)}


def _kill_one_of_three(rig, workers, stories, before=lambda name: None):
    pids = rig.start(workers, stories)
    until(lambda: len(rig.lines()) > len(stories))
    names = rig.workers()
    busy = max(pids, key=lambda pid: sum(line.worker == names[pid] for line in rig.lines()[-6:]))
    before(names[busy])
    os.kill(busy, signal.SIGKILL)
    seconds = until(lambda: rig.ended() == {"SUCCESS": len(stories)}, WITHIN_SECONDS, rig.said)
    last = {line.run: line.step for line in rig.lines() if line.worker == names[busy]}
    return seconds, set(last.items())


def _claimed_by_one_who_died(roster):
    """Declare a worker dead in the name of one who does not live to take up what it leaves."""
    return lambda name: roster.claim_dead("a-claimer", 30, (name,))


@pytest.mark.long
@pytest.mark.parametrize(
    "how",
    ["one machine", *(pytest.param(how, marks=pytest.mark.soak) for how in ("three machines", "claimer"))],
)
def test_what_a_killed_worker_left_ends_on_the_others(rig, roster, how):
    workers = [{"machine": f"m-{n}"} if how == "three machines" else {} for n in range(3)]
    before = _claimed_by_one_who_died(roster) if how == "claimer" else lambda name: None
    seconds, in_flight = _kill_one_of_three(rig, workers, _stories(9), before)
    print(f"all ended {seconds:.1f} s after the kill; in flight {len(in_flight)}, twice {len(rig.twice())}")
    assert set(rig.twice().values()) <= {2}
    assert rig.twice().keys() <= in_flight
    assert len({(line.run, line.step) for line in rig.lines()}) == 9 * 6
    kinds = rig.sql(
        "SELECT DISTINCT serialization FROM dbos.workflow_status UNION "
        "SELECT DISTINCT serialization FROM dbos.operation_outputs WHERE output IS NOT NULL"
    )
    assert {kind for (kind,) in kinds} == {"portable_json"}


def _freeze_one(rig, pids):
    """Freeze a busy worker past its lease, wake it, and return what it did outside after the freeze."""
    names = rig.workers()
    begin = len(rig.lines())
    until(lambda: len(rig.lines()) > begin + 3)
    busy = next(pid for pid in reversed(pids) if names[pid] == rig.lines()[-1].worker)
    os.kill(busy, signal.SIGSTOP)
    frozen_at = time.time()
    claimed = "SELECT dead_by FROM keel_workers WHERE id = :id AND dead_at IS NOT NULL"
    until(lambda: rig.sql(claimed, id=names[busy]), 20, rig.said)
    seen = len(rig.lines())
    until(lambda: len(rig.lines()) > seen, 30, rig.said)
    os.kill(busy, signal.SIGCONT)
    until(lambda: rig.workers()[busy] != names[busy], 20, rig.said)  # it has joined again
    return [line for line in rig.lines() if line.worker == names[busy] and line.at > frozen_at + 0.001]


@pytest.mark.long
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_a_worker_that_was_frozen_past_its_lease_does_nothing_outside(rig, work, rounds):
    other = work("plan")
    other.launch(STORIES, STAGES, QUEUES)
    pids = rig.start([{}, {}], beat=0.2, lease=2.0)
    outside = []
    for number in range(rounds):
        for n in range(4):  # new ones: what is taken up often is taken up later and later
            other.start("deliver", f"T{number}-{n}", {"steps": 60, "seconds": 0.1})
        outside.append(_freeze_one(rig, pids))
    print(f"{outside.count([])} of {rounds} did nothing outside after they woke")
    assert outside == [[]] * rounds
    assert rig.ended().get("ERROR", 0) == 0
    again = sum(count - 1 for count in rig.twice().values())
    assert again <= 4 * rounds, "only what was in flight when a worker lost its lease is done again"


def _status(engine, run):
    try:
        return engine.status(run)
    except TheirFault as fault:
        return fault.code


def test_who_lost_its_lease_joins_again_and_goes_on(work, roster):
    engine = work()
    engine.launch(STORIES, STAGES, QUEUES)
    first = engine.worker_id
    engine.start("parked", "T1", {})
    until(lambda: engine.status("T1") == "running")
    roster.claim_dead("a-person", 30, (first,))

    until(lambda: engine.worker_id not in {"", first})
    until(lambda: _status(engine, "T1") == "running")
    engine.send("T1", "answer", "yes")
    until(lambda: engine.status("T1") == "done")
    assert engine.result("T1") == "yes"
    assert [seen.state(30) for seen in roster.workers()] == ["dead", "alive"]
    engine.close()
    assert [seen.state(30) for seen in roster.workers()] == ["dead", "left"]


@pytest.mark.soak
def test_a_worker_outlives_the_absence_of_its_database(make_cluster, tmp_path):
    cluster = make_cluster()
    cluster.sql("CREATE DATABASE gone")
    database = open_database(cluster.url("gone"))
    upgrade(database)
    database.dispose()
    roster = open_roster(cluster.url("gone"), patience_seconds=1)
    crew = Crew(this_worker(("all",)), roster, 0.3, 2.0)
    engine = DbosEngine(cluster.url("gone"), tmp_path / "here", crew, poll_seconds=0.05)
    engine.launch(STORIES, STAGES, QUEUES)
    engine.start("parked", "T1", {})
    until(lambda: engine.status("T1") == "running")
    first = engine.worker_id
    cluster.stop()
    with pytest.raises(TheirFault):
        until(crew.fence)
    until(lambda: engine.worker_id != first)
    cluster.start()
    until(lambda: engine.worker_id not in {"", first}, 60)
    until(lambda: _status(engine, "T1") == "running", 60)
    engine.send("T1", "answer", "yes")
    until(lambda: engine.status("T1") == "done")
    engine.close()
    roster.close()


def test_a_crew_is_joined_by_its_rules_only(work, roster, crew_url, tmp_path):
    first = work()
    first.launch({}, {}, ())
    alone = DbosEngine(crew_url, tmp_path / "alone")
    with pytest.raises(OurFault, match="already holds an engine"):
        alone.launch({}, {}, ())
    known = DbosEngine(crew_url, tmp_path / "known", Crew(first._crew.worker, roster, 1, 9))
    first.close()
    with pytest.raises(YourFault) as caught:
        known.launch({}, {}, ())
    assert caught.value.code == "worker_known"
    sqlite = DbosEngine(f"sqlite:///{tmp_path}/e.db", tmp_path / "sqlite", work()._crew)
    with pytest.raises(YourFault) as caught:
        sqlite.launch({}, {}, ())
    assert caught.value.code == "crew_needs_postgres"
    with pytest.raises(OurFault, match="not launched"):
        sqlite.status("T1")


@pytest.mark.long
def test_a_run_of_another_worker_can_be_cancelled_in_every_phase(rig, work, crew_url, tmp_path):
    stories = {
        "parked": ["parked", {}],
        "asleep": ["deliver", {"stage": "doze", "seconds": 3600}],
        "acting": ["deliver", {"steps": 100, "seconds": 0.2}],
        "queued": ["deliver", {"queue": "ops@nowhere"}],
    }
    other = work("plan")
    other.launch(STORIES, STAGES, QUEUES)
    for run, (name, payload) in stories.items():
        other.start(name, run, payload)
    other.start("parked", "later", {}, delay_seconds=3600)
    assert {other.status(run) for run in (*stories, "later")} == {"queued"}, "a planner tells no story"
    rig.start([{}])
    until(lambda: {line.run for line in rig.lines()} == {"asleep/1", "acting/1"}, said=rig.said)
    until(lambda: other.status("parked") == "running")
    for run in (*stories, "later"):
        other.cancel(run)
    begin = time.monotonic()
    until(
        lambda: all(other.status(run) == "cancelled" for run in (*stories, "later", "asleep/1", "acting/1"))
    )
    time.sleep(max(0.0, 2.5 - (time.monotonic() - begin)))
    seen = rig.lines()
    time.sleep(0.5)
    assert rig.lines() == seen, "nothing happens any more"
    assert "after" not in {line.step for line in seen}
    other.close()
    _nobody_works_alone_here(work, crew_url, tmp_path)


def _nobody_works_alone_here(work, crew_url, tmp_path):
    busy = next(tmp_path.glob("home-*"))
    for engine in (DbosEngine(crew_url, tmp_path / "alone"), work(name=busy.name)):
        with pytest.raises(YourFault) as caught:
            engine.launch({}, {}, ())
        assert caught.value.code == "already_running"


class TestOneOfACrew(EngineTests):
    pytestmark = pytest.mark.soak

    @pytest.fixture
    def runtime(self, work):
        return work()

    @pytest.fixture
    def wait(self):
        return until

    assert THEIRS
