"""Stops on the durable engine, in real time: what runs ends within seconds and is undone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import wraps

import pytest
from tests.workflows.test_stops import SHORT, hasten
from tests.workflows.world import BASE_FILES, World

from keelway.app.commands import Commands
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import OWNER
from keelway.engine.durable import DbosEngine
from keelway.testing.fakes.agent import HANG

ENOUGH_SECONDS = 60.0
"""Far less than the five minutes after which a silent agent is ended anyway."""


def until(true: Callable[[], bool]) -> float:
    """Wait until something is true and return how many seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < ENOUGH_SECONDS, "it never came"
        time.sleep(0.02)
    return time.monotonic() - began


class Real(World):
    """Live on the durable engine."""

    def wake_up(self) -> None:
        """Leave virtual time."""
        self.engine.close()
        self.durable = DbosEngine(f"sqlite:///{self.home / 'engine.sqlite'}", self.home)
        self.app.launch(self.durable)
        self.commands = Commands(self.app, self.durable, now=self.clock.now)

    def close(self) -> None:
        self.durable.close()
        super().close()


@pytest.fixture
def world(tmp_path) -> Iterator[Real]:
    made = Real(tmp_path, policy=SHORT)
    hasten(made)
    made.baseline()
    made.wake_up()
    yield made
    made.close()


def closed(world: Real, task: str) -> Callable[[], bool]:
    return lambda: world.ledger.find(task).status in {Status.ABORTED, Status.FAILED, Status.ROLLED_BACK}


def undone(world: Real) -> None:
    assert world.tree("develop") == BASE_FILES
    assert world.sandbox._open == {}
    for name in ("lane:fake", "staging", "production"):
        assert world.ledger.lease(name, "somebody") is not None, name


def test_a_hanging_agent_and_its_task_end_within_seconds(world):
    world.plays[("dev", 1)] = HANG
    row = world.submit()
    until(lambda: "T-1" in world.agent._running)
    world.commands.abort("T-1", OWNER)
    until(closed(world, row.task.id))
    assert world.ledger.find(row.task.id).status is Status.ABORTED
    assert world.agent._running == {}
    undone(world)


def test_an_abort_in_the_middle_of_a_merge_lets_it_end_and_takes_it_back(world):
    inside, go = threading.Event(), threading.Event()
    merge = world.forge.merge

    @wraps(merge)
    def slow(number: int, **words):
        inside.set()
        assert go.wait(ENOUGH_SECONDS)
        return merge(number, **words)

    world.forge.merge = slow
    row = world.submit()
    assert inside.wait(ENOUGH_SECONDS)
    world.commands.abort("T-1", OWNER)
    time.sleep(1.5)
    assert not closed(world, row.task.id)(), "the clean-up waits for the effect that was under way"
    go.set()
    until(closed(world, row.task.id))
    assert world.ledger.find(row.task.id).status is Status.ABORTED
    assert world.forge.pull(world.ledger.find(row.task.id).pull_request).state == "merged"
    undone(world)
    assert [entry.revert_sha != "" for entry in world.ledger.quarantined()] == [True]
