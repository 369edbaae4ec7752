"""Budgets in whole lives: what may pass is tried again, never too often, and what does not pass is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from itertools import pairwise
from typing import Any

import pytest
from tests.workflows.test_stops import hasten
from tests.workflows.world import GOOD_EDITS, TRUSTING, World

from keelway.app.query.sources import Sources
from keelway.app.query.tasks import TaskQueries
from keelway.core.errors import KeelwayError, TheirFault, YourFault
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import OWNER
from keelway.core.policy import BudgetPolicy, DevBudget, OpsBudget, PlanBudget, ReviewBudget
from keelway.core.rule.budget import next_delay_seconds
from keelway.engine import fault
from keelway.engine.virtual import VirtualConductor
from keelway.ports.agent import Effort, Stop, Usage


@pytest.fixture
def make_world(make_world: Callable[..., World]) -> Callable[..., World]:
    """Make worlds that do not wait for the disk."""

    def make(**settings: Any) -> World:
        world = make_world(**settings)
        hasten(world)
        return world

    return make


DOOR = {
    "planning": ("sandbox", "open"),
    "development": ("sandbox", "collect"),
    "review": ("forge", "open_pull"),
    "staging": ("target", "build"),
    "production": ("forge", "open_pull"),
}
TWICE = BudgetPolicy(
    plan=PlanBudget(attempts_max=4),
    dev=DevBudget(attempts_max=4),
    review=ReviewBudget(attempts_max=4),
    ops=OpsBudget(attempts_max=4),
)


def breaking(world: World, stage: str, *faults: KeelwayError) -> list[Any]:
    """Let a verb that the stage needs fail in turn with each fault, then work; return the calls, as instants."""
    door, verb = DOOR[stage]
    real: Callable[..., Any] = getattr(getattr(world.app.doors, door), verb)
    left, calls = list(faults), []
    began = len(world.ledger.events(limit=100_000))

    def now_in(stage: str) -> bool:
        links = world.ledger.events(after=began, limit=100_000)
        started = [link.event.stage for link in links if link.event.kind is EventKind.STAGE_STARTED]
        return bool(started) and started[-1] == stage

    @wraps(real)
    def broken(*args: Any, **kwargs: Any) -> Any:
        if now_in(stage):
            calls.append(world.clock.now())
            if left:
                raise left.pop(0)
        return real(*args, **kwargs)

    setattr(getattr(world.app.doors, door), verb, broken)
    return calls


def net(number: int = 1) -> TheirFault:
    return TheirFault("unreachable", f"host {'abcdefgh'[number]} does not answer")


@pytest.mark.parametrize("stage", DOOR)
def test_a_fault_that_passes_costs_a_pause_and_nothing_else(make_world, stage):
    world = make_world(policy=replace(TRUSTING, budget=TWICE))
    world.baseline()
    calls = breaking(world, stage, net(1), net(2))
    row = world.ask()
    assert (row.status, row.error) == (Status.DEPLOYED, "")
    pauses = [(b - a).total_seconds() for a, b in pairwise(calls)][:2]
    assert pauses == [next_delay_seconds(1), next_delay_seconds(2)]


@pytest.mark.parametrize("stage", ["planning", "staging", "production"])
def test_a_stage_is_tried_as_often_as_its_budget_allows_and_then_told(make_world, stage):
    world = make_world(policy=replace(TRUSTING, budget=replace(TWICE, same_fault_max=9)))
    before = world.baseline()
    calls = breaking(world, stage, *[net(1)] * 9)
    row = world.ask()
    assert (row.status, row.code, len(calls)) == (Status.FAILED, "unreachable", 4)
    assert "tried 4 times" in row.error
    assert "unreachable" in world.told()
    asked = [issue for number in range(1, 9) if (issue := world.forge.book.issue(number)) is not None]
    escalated = [issue for issue in asked if row.task.name in issue.title and "needs help" in issue.title]
    assert ["unreachable" in issue.body for issue in escalated] == [True], "an issue names the blocker"
    assert world.target.places["production"].active == before


def test_the_identical_fault_twice_escalates_sooner_than_the_budget(make_world):
    world = make_world(policy=replace(TRUSTING, budget=TWICE))
    world.baseline()
    calls = breaking(world, "staging", *[net(1)] * 9)
    row = world.ask()
    assert (row.status, len(calls)) == (Status.FAILED, 2)
    assert "2 times in a row" in row.error


def test_by_default_a_review_is_not_tried_again(make_world):
    world = make_world()
    world.baseline()
    calls = breaking(world, "review", net(1), net(2))
    row = world.ask()
    assert (row.status, row.code, len(calls)) == (Status.FAILED, "unreachable", 1)


@pytest.mark.parametrize("no", [YourFault("bad_setting", "no"), TheirFault("import_refused", "no")])
def test_what_will_not_pass_is_not_tried_again(make_world, no):
    world = make_world(policy=replace(TRUSTING, budget=TWICE))
    world.baseline()
    calls = breaking(world, "development", no, no)
    row = world.ask()
    assert (row.status, row.code, len(calls)) == (Status.FAILED, no.code, 1)


def test_no_stage_is_tried_again_after_a_merge(make_world):
    world = make_world(policy=replace(TRUSTING, budget=TWICE))
    before = world.baseline()
    real, tries = world.target.start, []

    @wraps(real)
    def start(environment: str, release: str, **more: Any) -> Any:
        if environment == "production" and release != before:
            tries.append(release)
            raise net(3)
        return real(environment, release, **more)

    world.target.start = start
    row = world.ask()
    assert (row.status, row.code) == (Status.ROLLED_BACK, "unreachable")
    assert "not tried again" in row.error
    assert len(tries) == 1
    assert world.target.places["production"].active == before
    assert "two.py" not in world.tree("main")


def slow(world: World, seconds: float, cost_usd: float = 0.0) -> Callable[[Any], Effort]:
    """Play an agent that takes its time, and leaves what the lint check refuses in a new way each time."""

    def work(assignment: Any) -> Effort:
        files = world.sandbox.files(assignment.task)
        files.update(GOOD_EDITS)
        files["two.py"] = "two = 2  # fails lint\n" + f"word_{'abcdefghij'[assignment.attempt]} = 1\n"
        world.clock.jump(world.clock.now() + timedelta(seconds=seconds))
        limits.append(assignment.limits)
        return Effort(Stop.COMPLETED, "", usage=Usage(cost_usd=cost_usd))

    limits: list[Any] = []
    work.limits = limits  # type: ignore[attr-defined]
    return work


@pytest.mark.parametrize("restart_at", [None, 1_700])
def test_the_time_of_all_tries_is_bounded_and_survives_a_restart(make_world, restart_at):
    world = make_world(
        policy=replace(TRUSTING, development=replace(TRUSTING.development, same_failure_max=9))
    )
    world.baseline()
    work = slow(world, 900.0)
    for attempt in range(1, 9):
        world.plays[("dev", attempt)] = work
    row = world.submit()
    if restart_at is not None:
        world.engine.run_until_idle(world.clock.now() + timedelta(seconds=restart_at))
        world.restart()
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code, row.iterations) == (Status.FAILED, "budget_spent", 3)
    walls = [limits.wall_seconds for limits in work.limits]
    assert walls[0] == 1_200.0
    assert walls[-1] <= 600.0, "the last run gets what is left"
    assert "seconds" in row.error


def test_a_task_whose_stage_kills_its_process_is_set_aside_and_told(make_world, monkeypatch):
    world = make_world()
    before = world.baseline()
    call = VirtualConductor.call

    async def given_up(self: Any, queue: str, stage: str, key: str, payload: Any) -> Any:
        if stage == "staging":
            raise fault.stage_given_up(stage)
        return await call(self, queue, stage, key, payload)

    monkeypatch.setattr(VirtualConductor, "call", given_up)
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "dead_letter")
    assert "two.py" not in world.tree("develop"), "what it had merged is taken back"
    assert world.target.places["production"].active == before
    assert "dead_letter" in world.told()
    asked = TaskQueries(Sources(world.app.config, world.app.home, world.ledger, lambda sha: ()))
    assert asked.tasks()[0].code == "dead_letter"
    told = asked.explain(row.task.name)
    assert "dead_letter" in told.because
    assert told.command == f"keelway retry {row.task.name}"
    monkeypatch.undo()
    again = world.commands.retry(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(again.task.id).status is Status.DEPLOYED


@pytest.mark.parametrize("stage", ["planning", "review", "production"])
def test_a_story_that_broke_is_closed_at_the_next_start(make_world, monkeypatch, stage):
    world = make_world()
    before = world.baseline()
    call = VirtualConductor.call

    async def broken(self: Any, queue: str, name: str, key: str, payload: Any) -> Any:
        if name == stage:
            raise RuntimeError("the story cannot be replayed")
        return await call(self, queue, name, key, payload)

    monkeypatch.setattr(VirtualConductor, "call", broken)
    row = world.ask()
    assert world.engine.status(row.task.id) == "failed"
    assert row.status not in {Status.FAILED, Status.DEPLOYED}, "it stands still"
    monkeypatch.undo()
    world.restart()
    world.commands.resubmit_unstarted()
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code) == (Status.FAILED, "dead_letter")
    assert "cannot be replayed" in row.error
    assert world.target.places["production"].active == before
    assert "two.py" not in world.tree("develop")
    assert world.commands.resubmit_unstarted() == 0


def test_a_way_back_is_tried_until_the_machine_can_again(make_world):
    world = make_world()
    before = world.baseline()
    calls = breaking(world, "review", net(1))
    files, left = world.ledger.deployments, [net(2)] * 6

    @wraps(files)
    def deployments(*args: Any, **kwargs: Any) -> Any:
        if calls and left:
            raise left.pop()
        return files(*args, **kwargs)

    world.ledger.deployments = deployments
    row = world.ask()
    assert (row.status, row.code, left) == (Status.FAILED, "unreachable", [])
    assert world.target.places["production"].active == before
