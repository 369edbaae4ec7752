"""Lives worth recording: together they pass every story, every stage and every way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.workflows.world import GOOD_EDITS, World, plan_of

from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER
from keelway.core.policy import PlanPolicy, Policy, ReviewPolicy, WatchPolicy

SHORT = Policy(
    review=ReviewPolicy(auto_merge_risk="medium"),
    watch=WatchPolicy(watch_seconds=600.0, interval_seconds=600.0),
    staging=replace(Policy().staging, window_seconds=20.0, tick_seconds=20.0, stabilise_seconds=0.0),
    production=replace(Policy().production, window_seconds=40.0, tick_seconds=20.0, stabilise_seconds=0.0),
)
"""A look or two at each release: one look more is the same steps again."""

ASKING = replace(
    SHORT, plan=PlanPolicy(auto_approve_risk="none"), review=ReviewPolicy(auto_merge_risk="none")
)
ARMED = replace(SHORT, watch=WatchPolicy(rollback_armed=True, watch_seconds=1200.0, interval_seconds=600.0))
POLICIES = {
    "act_b": SHORT,
    "act_c": SHORT,
    "aborted": SHORT,
    "asked": ASKING,
    "taken_back": SHORT,
    "watched": ARMED,
    "drilled": SHORT,
}
"""The policy of each life: what it says is part of what a story does."""

MIGRATION = "migrations/0002_two.sql"
SOON = timedelta(minutes=10)


def busy(world: World, errors: int = 0) -> None:
    """Let two thousand requests come at each look, and some fail once production has a new release."""
    before, quiet = world.target.places[PRODUCTION].active, world.target.traffic

    def traffic(environment: str, release: str, at: Any) -> tuple[int, int] | None:
        counted = quiet(environment, release, at)
        bad = environment == PRODUCTION and world.target.places[PRODUCTION].active != before
        return counted and (2_000, errors if bad else 0)

    world.signal.traffic = traffic


def act_b(home: Path) -> World:
    """Fail the checks once, migrate, go live and be watched."""
    edits = {**GOOD_EDITS, MIGRATION: "alter table numbers add column two integer;\n"}
    plays = {
        ("plan", 1): plan_of(create=[*edits], migrations=[MIGRATION]),
        ("dev", 1): {**edits, "two.py": "two = 2  # fails lint\n"},
        ("dev", 2): edits,
    }
    world = _begun(World(home, policy=SHORT, plays=plays))
    world.submit()
    _answer(world, 3)
    return world


def act_c(home: Path) -> World:
    """Fail under traffic and be taken back."""
    world = _begun(World(home, policy=SHORT), errors=240)
    world.ask()
    return world


def aborted(home: Path) -> World:
    """Be aborted while staging is watched."""
    world = _begun(World(home, policy=SHORT))
    row = world.submit()
    for _ in range(1_000):
        if world.ledger.find(row.task.id).status.value == "observing":
            break
        world.engine.run_until_idle(world.clock.now() + timedelta(seconds=1))
    world.commands.abort(row.task.name, OWNER)
    world.run()
    return world


def asked(home: Path) -> World:
    """Ask about the plan, get remarks, ask again, ask about the merge, go live."""
    plays = {("plan", 2): plan_of(approach="Otherwise.")}
    world = _begun(World(home, policy=ASKING, plays=plays))
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + SOON)
    world.commands.revise(row.task.name, OWNER, "do it otherwise")
    _answer(world, 3)
    return world


def taken_back(home: Path) -> World:
    """Go live and be taken back by a person later."""
    world = _begun(World(home, policy=SHORT))
    row = world.ask()
    world.commands.rollback(row.task.name, OWNER, reason="users complain")
    world.run()
    return world


def watched(home: Path) -> World:
    """Go live, be looked at, fall ill and be taken back by the watch."""
    world = _begun(World(home, policy=ARMED))
    world.submit()
    world.engine.run_until_idle(world.clock.now() + 2 * SOON)
    world.target.behave(world.target.places[PRODUCTION].active or "", healthy=False)
    world.run()
    return world


def drilled(home: Path) -> World:
    """Drill, adopt what runs, deploy what a person pushed, and bring git back by a branch that is merged."""
    world = _begun(World(home, policy=SHORT))
    world.commands.back.drill(STAGING, OWNER)
    world.run()
    world.commands.back.settle_drift(PRODUCTION, "adopt", OWNER)
    world.run()
    main = world.forge.head("main")
    files = {**world.forge.history[main].files, "three.py": "three = 3\n"}
    world.forge.origin_at = world.forge.history.add((main,), files, "Three").sha
    world.commands.deploy(PRODUCTION, "main", OWNER)
    world.run()
    world.commands.back.prepare(PRODUCTION, OWNER)
    world.run()
    pull = next(number for number in range(1, 9) if world.forge.book.pull(number))
    world.commands.back.land(pull, OWNER)
    world.run()
    return world


LIVES: dict[str, Callable[[Path], World]] = {
    life.__name__: life for life in (act_b, act_c, aborted, asked, taken_back, watched, drilled)
}


def _begun(world: World, errors: int = 0) -> World:
    world.baseline()
    busy(world, errors)
    return world


def _answer(world: World, times: int) -> None:
    for _ in range(times):
        world.engine.run_until_idle(world.clock.now() + SOON)
        for question in world.ledger.questions():
            world.commands.approve(question.task, OWNER)
    world.run()
