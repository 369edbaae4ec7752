"""Change a story before a point at which runs wait: old runs go the old way, new ones the new way."""

from __future__ import annotations

import shutil
import time

import pytest

from keelway.core.errors import OurFault
from keelway.engine.durable import DbosEngine
from keelway.engine.journal import Journal
from keelway.engine.memory import MemoryEngine
from keelway.engine.schema import SCHEMA, TASKS
from keelway.engine.upgrade.backlog import Backlog, Stranded
from keelway.engine.upgrade.history import History, Kept, history_of
from keelway.engine.upgrade.replay import first_difference
from keelway.ports.engine import Queue

QUEUES = (Queue("dev"),)


async def old(conductor, payload):
    told = [await conductor.step("plan", lambda: "plan")]
    told.append(await conductor.receive("answer", 60))
    return [*told, await conductor.call("dev", "build", "1", payload)]


async def patched(conductor, payload):
    told = [await conductor.step("plan", lambda: "plan")]
    if await conductor.patch("count first"):
        told.append(await conductor.step("count", lambda: "count"))
    told.append(await conductor.receive("answer", 60))
    return [*told, await conductor.call("dev", "build", "1", payload)]


async def later(conductor, payload):
    told = [await conductor.step("plan", lambda: "plan")]
    await conductor.deprecate_patch("count first")
    told.append(await conductor.step("count", lambda: "count"))
    told.append(await conductor.receive("answer", 60))
    return [*told, await conductor.call("dev", "build", "1", payload)]


def build(engine, payload):
    if engine.patch("measure"):
        engine.step("measure", lambda: 1)
    return engine.step("build", lambda: "built")


OLD, NEW = ["plan", "yes", "built"], ["plan", "count", "yes", "built"]


class InMemory:
    """Let one process after the other work on a journal."""

    def __init__(self):
        self.journal = Journal()

    def begin(self, story):
        self.engine = MemoryEngine(self.journal)
        self.engine.launch({"story": story}, {"build": build}, QUEUES)

    def park(self, run):
        self.engine.start("story", run, {})
        self.engine.run_until_idle(self.engine.now())

    def end(self, *runs):
        for run in runs:
            self.engine.send(run, "answer", "yes")
        self.engine.run_until_idle()
        told = [self.engine.result(run) for run in runs]
        self.engine.close()
        return told

    def history(self, run):
        return history_of(self.journal.runs[run])

    def leave(self):
        self.engine.close()


class OnDisk:
    """Let one process after the other work on a database."""

    def __init__(self, home):
        self.home, self.url = home, f"sqlite:///{home}/engine.db"

    def begin(self, story):
        self.engine = DbosEngine(self.url, self.home)
        self.engine.launch({"story": story}, {"build": build}, QUEUES)

    def park(self, run):
        self.engine.start("story", run, {})
        wait(lambda: self.parked(run))

    def parked(self, run):
        kept = self.history(run).verbs if self.engine.status(run) != "absent" else ()
        return bool(kept) and kept[-1].verb == "receive answer"

    def end(self, *runs):
        for run in runs:
            self.engine.send(run, "answer", "yes")
        wait(lambda: all(self.engine.status(run) in {"done", "failed"} for run in runs))
        told = [self.engine.result(run) for run in runs]
        self.engine.close()
        return told

    def history(self, run):
        backlog = Backlog(self.url)
        try:
            return backlog.history(Stranded(run, "story", "story", SCHEMA, "", TASKS, "running"))
        finally:
            backlog.close()

    def leave(self):
        self.engine.close()


def wait(reached):
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    home = tmp_path_factory.mktemp("tables")
    engine = DbosEngine(f"sqlite:///{home}/engine.db", home)
    engine.launch({}, {}, QUEUES)
    engine.close()
    return home / "engine.db"


@pytest.fixture(params=["memory", "durable"])
def place(request, tmp_path, tables):
    if request.param == "memory":
        return InMemory()
    shutil.copy(tables, tmp_path)
    return OnDisk(tmp_path)


def test_an_old_run_goes_the_old_way_and_a_new_one_the_new_way(place):
    place.begin(old)
    place.park("T1")
    place.leave()
    assert first_difference(place.history("T1"), {"story": patched}, {"build": build}) is None
    found = first_difference(place.history("T1"), {"story": later}, {"build": build})
    assert (found.found, found.asked) == ("receive answer", "count")
    place.begin(patched)
    place.park("T2")
    assert place.end("T1", "T2") == [OLD, NEW]


def test_a_mark_is_passed_once_nobody_needs_the_old_way(place):
    place.begin(patched)
    place.park("T1")
    place.leave()
    assert [kept.verb for kept in place.history("T1").verbs] == [
        "plan",
        "patch count first",
        "count",
        "receive answer",
    ]
    assert first_difference(place.history("T1"), {"story": later}, {"build": build}) is None
    found = first_difference(place.history("T1"), {"story": old}, {"build": build})
    assert (found.found, found.asked) == ("patch count first", "receive answer")
    place.begin(later)
    place.park("T2")
    assert place.end("T1", "T2") == [NEW, NEW]


def test_what_ended_is_read_alike_on_both_engines(place):
    place.begin(patched)
    place.park("T1")
    place.end("T1")
    history = place.history("T1")
    assert [(kept.verb, kept.value, kept.ended) for kept in history.verbs] == [
        ("plan", {"result": "plan"}, True),
        ("patch count first", None, True),
        ("count", {"result": "count"}, True),
        ("receive answer", "yes", True),
        ("call 1", ["done", "built", ""], True),
    ]
    assert first_difference(history, {"story": patched}, {"build": build}) is None


def test_a_failed_and_a_cancelled_stage_are_told_to_the_story_again():
    async def story(conductor, payload):
        told = []
        for key in ("1", "2"):
            try:
                await conductor.call("dev", "build", key, payload)
            except OurFault as fault:
                told.append(fault.code)
        await conductor.step("+".join(told), lambda: True)

    calls = (Kept("call 1", ["failed", None, "why"]), Kept("call 2", ["cancelled", None, ""]))
    history = History(
        "T1", "story", "story", {}, (*calls, Kept("stage_failed+stage_cancelled", {"result": True}))
    )
    assert first_difference(history, {"story": story}, {}) is None
