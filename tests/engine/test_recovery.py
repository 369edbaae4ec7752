"""What is taken up after a death: in which order, by which door, and what is left for later."""

from __future__ import annotations

import inspect
import shutil
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.rig import until

from keelway.core.errors import KeelwayError
from keelway.engine import schema
from keelway.engine.durable import DbosEngine
from keelway.engine.fault import EngineStopped
from keelway.engine.run import recovery
from keelway.engine.run.life import Life
from keelway.engine.run.recovery import Stray, in_order, requeue, requeue_publicly
from keelway.ports.engine import Queue

QUEUES = (Queue("dev", 1), Queue("rollback"))


def stray(run, queue="dev", kind="stage", story="", attempts=1):
    return Stray(run, "dead", queue, kind, story, attempts)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    home = tmp_path_factory.mktemp("migrated")
    engine = DbosEngine(f"sqlite:///{home}/engine.db", home)
    engine.launch({}, {}, QUEUES)
    engine.close()
    return home / "engine.db"


@pytest.fixture
def make(tmp_path, migrated):
    shutil.copy(migrated, tmp_path / "engine.db")
    made = []

    def make():
        made.append(DbosEngine(f"sqlite:///{tmp_path}/engine.db", tmp_path))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def test_ways_back_go_first_with_their_stories_then_what_is_at_production():
    strays = [
        stray("T1/dev-1"),
        stray("T1", "tasks", "story", "deliver"),
        stray("T2/ops-1", "ops@hub"),
        stray("T3", "tasks", "story", "deliver"),
        stray("T3/unwind-1", "rollback@hub"),
        stray("T4:back", "tasks", "story", "rollback"),
    ]
    first, others = in_order(strays)
    assert [one.run for one in first] == ["T3", "T3/unwind-1", "T4:back", "T2/ops-1"]
    assert [one.run for one in others] == ["T1/dev-1", "T1"]


@given(st.lists(st.sampled_from(["dev", "ops", "rollback", "review", "watch@hub"]), max_size=12))
def test_nothing_is_lost_by_ordering(queues):
    strays = [stray(f"T{n}/x", queue) for n, queue in enumerate(queues)]
    first, others = in_order(strays)
    assert sorted([*first, *others], key=lambda one: one.run) == sorted(strays, key=lambda one: one.run)
    assert {one.queue for one in first} <= {"rollback", "ops", "watch@hub"}
    assert {one.queue for one in others} <= {"dev", "review"}
    assert [one.queue == "rollback" for one in first] == sorted(
        (one.queue == "rollback" for one in first), reverse=True
    )


def test_the_pauses_of_a_poison_stage_grow_and_stories_never_pause():
    pauses = [stray("T1/x", attempts=n).pause_seconds for n in range(1, 21)]
    assert pauses[:6] == [0, 0, 1, 2, 4, 8]
    assert pauses == sorted(pauses)
    assert pauses[-1] == recovery.PAUSE_SECONDS_MAX
    assert stray("T1", "tasks", "story", "deliver", attempts=400).pause_seconds == 0


async def _story(conductor, payload):
    return await conductor.call(payload["queue"], payload["stage"], "1", payload)


def _left_unfinished(make, stages, stories, queues=QUEUES):
    """Begin stages and stop in the middle of an effect, as a process that dies does."""
    begun = []

    def stops(engine, payload):
        engine.step("begin", lambda: None)
        engine.step("act", lambda: _until_the_end(begun, payload, engine._board))

    engine = make()
    engine.launch({"deliver": _story, "two": _two}, dict.fromkeys(stages, stops), queues)
    for run, (story, payload) in stories.items():
        engine.start(story, run, payload)
    until(lambda: {payload["queue"] for _, payload in stories.values()} == set(begun))
    until(lambda: all(engine.status(run) == "running" for run in stories))
    name = engine.worker_id
    engine.close()
    return name


def _until_the_end(begun, payload, board):
    begun.append(payload["queue"])
    while not board.closing:
        time.sleep(0.01)
    raise EngineStopped


def test_a_pending_rollback_acts_before_everything_else(make):
    stories = {f"T{n:02}": ("deliver", {"queue": "dev", "stage": "work"}) for n in range(12)}
    stories["T12"] = ("deliver", {"queue": "rollback", "stage": "unwind"})
    _left_unfinished(make, ("work", "unwind"), stories)
    acted = []

    def acts(engine, payload):
        engine.step("begin", lambda: None)
        engine.step(
            "act", lambda: time.sleep(0.3 * (payload["stage"] == "unwind")) or acted.append(payload["stage"])
        )

    engine = make()
    engine.launch({"deliver": _story, "rollback": _story}, {"work": acts, "unwind": acts}, QUEUES)
    until(lambda: len(acted) == 13)
    assert acted == ["unwind"] + ["work"] * 12


async def _two(conductor, payload):
    for queue, stage in payload["stages"]:
        await conductor.call(queue, stage, stage, {"queue": queue, "stage": stage})


def test_what_follows_a_stage_at_an_environment_acts_before_everything_else(make):
    """A verdict was recorded, the way back is not begun: the stage ends first, then its story asks for the way back."""
    stories = {f"T{n:02}": ("deliver", {"queue": "dev", "stage": "work"}) for n in range(6)}
    stories["T06"] = ("two", {"queue": "ops", "stages": [["ops", "ship"], ["rollback", "unwind"]]})
    queues = (*QUEUES, Queue("ops", 2))
    _left_unfinished(make, ("work", "ship", "unwind"), stories, queues)
    acted = []

    def acts(engine, payload):
        engine.step("begin", lambda: None)
        engine.step("look", lambda: time.sleep(0.3 * (payload["stage"] != "work")))
        engine.step("act", lambda: acted.append(payload["stage"]))

    engine = make()
    engine.launch({"deliver": _story, "two": _two}, dict.fromkeys(("work", "ship", "unwind"), acts), queues)
    until(lambda: len(acted) == 8)
    assert acted == ["ship", "unwind"] + ["work"] * 6


def test_the_others_begin_without_a_way_back_that_does_not_end(make, monkeypatch):
    monkeypatch.setattr(recovery, "HEAD_START_SECONDS", 0.3)
    stories = {
        "T1": ("deliver", {"queue": "rollback", "stage": "unwind"}),
        "T2": ("deliver", {"queue": "dev", "stage": "work"}),
    }
    _left_unfinished(make, ("work", "unwind"), stories)
    acted = []

    def acts(engine, payload):
        engine.step("begin", lambda: None)
        if payload["stage"] == "unwind":
            engine.step("act", lambda: until(lambda: acted))
        engine.step("end", lambda: acted.append(payload["stage"]))

    engine = make()
    engine.launch({"deliver": _story, "rollback": _story}, {"work": acts, "unwind": acts}, QUEUES)
    until(lambda: len(acted) == 2)
    assert acted == ["work", "unwind"]


@pytest.mark.parametrize("door", [requeue, requeue_publicly])
def test_both_doors_put_a_run_back_where_it_was(make, door, monkeypatch):
    """The contract with the private part of DBOS: should it change, this fails and the public door serves."""
    name = _left_unfinished(make, ("work",), {"T1": ("deliver", {"queue": "dev", "stage": "work"})})
    shut = threading.Event()
    monkeypatch.setattr(recovery, "take_up", lambda *_told: shut.set() or False)
    engine = make()
    engine.launch({"deliver": _story}, {"work": lambda engine, payload: "done"}, QUEUES)
    assert shut.wait(10)
    assert engine.status("T1/1") == "running"
    assert not engine._ask(lambda: door(Stray("T1/1", "somebody else", "dev", "stage", "", 1)))
    assert engine._ask(lambda: door(Stray("T1/1", name, "dev", "stage", "", 1)))
    engine._life.board.way.set()
    until(lambda: engine.status("T1/1") in {"done", "failed"})
    row = engine._find("T1/1", load=True)
    assert (row.queue_name, row.executor_id) == ("dev", engine.worker_id)
    assert not engine._ask(lambda: door(Stray("T1/1", name, "dev", "stage", "", 1)))
    if door is requeue:
        assert row.recovery_attempts == 2
        from dbos._sys_db import SystemDatabase

        told = list(inspect.signature(SystemDatabase.reenqueue_for_recovery).parameters)
        assert told == ["self", "workflow_id", "executor_ids", "recovery_queue_name"]


def test_without_the_private_door_the_public_one_serves(make, monkeypatch):
    name = _left_unfinished(make, ("work",), {"T1": ("deliver", {"queue": "dev", "stage": "work"})})
    asked = []
    monkeypatch.setattr("dbos._dbos._get_dbos_instance", object)
    monkeypatch.setattr(recovery, "requeue_publicly", lambda one: asked.append(one.run) or True)
    assert requeue(Stray("T1/1", name, "dev", "stage", "", 1))
    assert asked == ["T1/1"]


def test_a_poison_stage_lets_the_others_start(make, monkeypatch):
    """The first of two on a queue of one was taken up often: the other one does not wait for it."""
    stories = {f"T{n}": ("deliver", {"queue": "dev", "stage": "work"}) for n in range(2)}
    _left_unfinished(make, ("work",), stories)
    monkeypatch.setattr(recovery, "POISON_ATTEMPTS", 1)
    acted = []
    monkeypatch.setattr(Life, "_age", lambda life: 2.0 * len(acted))

    def acts(engine, payload):
        engine.step("begin", lambda: None)
        engine.step("act", lambda: acted.append(engine._run))

    engine = make()
    engine.launch({"deliver": _story}, {"work": acts}, QUEUES)
    until(lambda: len(acted) == 2)
    first, second = acted
    assert {first, second} == {"T0/1", "T1/1"}
    assert engine._find(second).recovery_attempts == 2, "the one that had been taken up before"
    assert engine._find(first).recovery_attempts == 1


def test_a_stage_that_is_given_up_is_told_to_its_story(make, monkeypatch):
    monkeypatch.setattr(schema, "STAGE_ATTEMPTS_MAX", 1)

    async def tells(conductor, payload):
        try:
            return await conductor.call("dev", "work", "1", payload)
        except KeelwayError as fault:
            return fault.code

    for life in range(3):
        engine = make()
        begun = threading.Event()
        engine.launch(
            {"deliver": tells},
            {"work": lambda engine, _, bell=begun: (bell.set(), engine.sleep(3600))},
            QUEUES,
        )
        engine.start("deliver", "T1", {})
        if life < 2:
            assert begun.wait(10)
            engine.close()
    until(lambda: engine.status("T1") == "done")
    assert engine.result("T1") == "stage_given_up"
