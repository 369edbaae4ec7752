"""Whole tasks under each strategy: shares grow while nothing speaks against them, and go back when something does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.workflows.world import PROJECT, World

from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER
from keelway.core.strategy.choose import Strategy
from keelway.engine.journal import Crash, CrashAt
from keelway.ports.target import Capabilities, RunningRelease

CANARY = Strategy("canary", percents=(10, 50), bake_seconds=120.0)


def under(make_world: Any, strategy: Strategy) -> World:
    return make_world(project=replace(PROJECT, strategy=strategy))


def watched(world: World, *, errors_of_new: float = 0.0, requests: int = 1_000) -> list[dict[str, int]]:
    """Split the traffic by the weights as they are, let the new release fail, and note every switch."""
    place, before = world.target.places[PRODUCTION], world.target.places[PRODUCTION].active
    shares: list[dict[str, int]] = []
    switch = world.target.switch

    def noted(environment: str, weights: dict[str, int], *, epoch: int) -> None:
        switch(environment, weights, epoch=epoch)
        if environment == PRODUCTION:
            shares.append({("old" if name == before else "new"): share for name, share in weights.items()})

    def traffic(environment: str, release: str, at: Any) -> tuple[int, int] | None:
        if environment != PRODUCTION or not release:
            return world.target.traffic(environment, release, at)
        mine = requests * place.weights.get(release, 0) // 100
        return (
            (mine, round(mine * (0.0 if release == before else errors_of_new))) if mine or requests else None
        )

    world.target.switch = noted  # type: ignore[method-assign]
    world.signal.traffic = traffic
    return shares


def test_a_good_canary_gets_everything_share_by_share(make_world: Any) -> None:
    world = under(make_world, CANARY)
    before = world.baseline()
    shares = watched(world)
    row = world.ask()
    assert row.status is Status.DEPLOYED
    assert shares == [{"new": 10, "old": 90}, {"new": 50, "old": 50}, {"new": 100}]
    assert world.target.places[PRODUCTION].active != before
    assert len(world.target.places[STAGING].switches) > 1


def test_a_bad_canary_is_taken_back_from_its_first_share(make_world: Any) -> None:
    world = under(make_world, CANARY)
    before = world.baseline()
    shares = watched(world, errors_of_new=0.2)
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert shares[0] == {"new": 10, "old": 90}
    assert {"new": 50, "old": 50} not in shares
    assert world.target.places[PRODUCTION].active == before
    assert "two.py" not in world.tree("main")
    assert "With 10 % of the traffic" in row.error
    assert row.code == "share_worse"


def test_a_canary_that_nobody_asked_is_no_pass(make_world: Any) -> None:
    world = under(make_world, CANARY)
    before = world.baseline()
    watched(world, requests=5)  # a tenth of five is nothing
    row = world.ask()
    assert (row.status, row.code) == (Status.ROLLED_BACK, "share_unclear")
    assert world.target.places[PRODUCTION].active == before


def test_a_canary_goes_on_after_a_crash(make_world: Any) -> None:
    world = under(make_world, CANARY)
    world.baseline()
    shares = watched(world)
    row = world.submit()
    crashes = 0
    for turn in range(500):
        world.restart(CrashAt(9, "after" if turn % 2 else "before"))
        try:
            world.run()
            break
        except Crash:
            crashes += 1
    assert crashes > 20
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED
    assert shares[-1] == {"new": 100}
    assert shares[0] == {"new": 10, "old": 90}


def test_replace_stops_the_old_release_before_it_starts_the_new_one(make_world: Any) -> None:
    world = under(make_world, Strategy("replace"))
    before = world.baseline()
    world.target.calls.clear()
    row = world.ask()
    assert row.status is Status.DEPLOYED
    calls = [call[0] for call in world.target.calls if call[1] == PRODUCTION]
    assert calls.index("retire") < calls.index("start")
    assert world.target.places[PRODUCTION].running == {world.target.places[PRODUCTION].active}
    assert before not in world.target.places[PRODUCTION].running


def test_a_replacement_that_does_not_start_brings_the_old_release_back(make_world: Any) -> None:
    world = under(make_world, Strategy("replace"))
    before = world.baseline()
    start = world.target.start

    def sick_in_production(environment: str, release: str, *, epoch: int) -> RunningRelease:
        if environment == PRODUCTION and release != before:
            world.target.behave(release, healthy=False)
        return start(environment, release, epoch=epoch)

    world.target.start = sick_in_production  # type: ignore[method-assign]
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    place = world.target.places[PRODUCTION]
    assert place.active == before
    assert before in place.running


def test_a_strategy_that_the_target_cannot_do_is_refused_before_anything_is_built(make_world: Any) -> None:
    world = under(make_world, CANARY)

    def capabilities(environment: str) -> Capabilities:
        del environment
        return Capabilities(side_by_side=True, weights=False, migrations=True, snapshots=True)

    world.target.capabilities = capabilities  # type: ignore[method-assign]
    world.commands.deploy(PRODUCTION, "", OWNER)
    world.run()
    assert world.target.places[PRODUCTION].built == {}
    assert "build" not in {call[0] for call in world.target.calls}
