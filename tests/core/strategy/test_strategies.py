"""Every strategy ends with all traffic on a probed release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import YourFault
from keelway.core.strategy import blue_green, canary, replace, rolling
from keelway.core.strategy.blue_green import BlueGreenSettings
from keelway.core.strategy.canary import CanarySettings
from keelway.core.strategy.choose import Strategy, instances_of, lack_of, problem_of, steps_of
from keelway.core.strategy.rolling import RollingSettings
from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

PLANS = {
    "replace": replace.steps(),
    "blue-green": blue_green.steps(BlueGreenSettings()),
    "blue-green retired": blue_green.steps(BlueGreenSettings(keep_old=False)),
    "canary": canary.steps(CanarySettings()),
    "canary retired": canary.steps(CanarySettings(keep_old=False)),
    "rolling": rolling.steps(RollingSettings()),
}


@pytest.mark.parametrize("steps", PLANS.values(), ids=PLANS)
def test_no_traffic_before_a_probe_and_all_of_it_at_the_end(steps: tuple[Step, ...]) -> None:
    giving = [step for step in steps if step != Shift(0)]
    kinds = [type(step) for step in giving]
    assert kinds.index(Start) < kinds.index(Probe) < kinds.index(Shift)
    shares = [step.percent for step in giving if isinstance(step, Shift)]
    assert shares == sorted(set(shares))
    assert shares[-1] == 100


@pytest.mark.parametrize("steps", PLANS.values(), ids=PLANS)
def test_nothing_is_retired_undrained(steps: tuple[Step, ...]) -> None:
    before = [steps[number - 1] for number, step in enumerate(steps) if isinstance(step, Retire)]
    assert all(isinstance(step, Drain) for step in before)


def test_replace_stops_before_it_starts() -> None:
    assert PLANS["replace"] == (Shift(0), Drain(), Retire(), Start(), Probe(), Shift(100))
    assert {Capability.RESTART} == replace.CAPABILITIES


def test_blue_green_keeps_the_old_release_warm() -> None:
    assert PLANS["blue-green"] == (Start(), Probe(), Shift(100))
    assert PLANS["blue-green retired"] == (Start(), Probe(), Shift(100), Drain(), Retire())
    assert {Capability.SIDE_BY_SIDE, Capability.SWITCH} == blue_green.CAPABILITIES


def test_canary_grows_and_watches_each_share() -> None:
    shares = [step.percent for step in PLANS["canary"] if isinstance(step, Shift)]
    assert shares == [5, 25, 50, 100]
    assert sum(isinstance(step, Bake) for step in PLANS["canary"]) == 3
    assert Retire() not in PLANS["canary"]
    assert PLANS["canary retired"][-1] == Retire()
    assert {Capability.SIDE_BY_SIDE, Capability.SPLIT} == canary.CAPABILITIES


@pytest.mark.parametrize("percents", [(), (0,), (100,), (50, 25), (5, 5), (-1,), (120,)])
def test_a_canary_has_to_grow(percents: tuple[int, ...]) -> None:
    with pytest.raises(YourFault, match="do not grow"):
        canary.steps(CanarySettings(percents=percents))


def test_a_share_that_is_not_watched_shows_nothing() -> None:
    with pytest.raises(YourFault, match="shows nothing"):
        canary.steps(CanarySettings(bake_seconds=0))


@given(st.integers(1, 16), st.integers(1, 16))
def test_rolling_replaces_group_by_group(instances: int, at_once: int) -> None:
    settings = RollingSettings(instances=instances, at_once=min(at_once, instances))
    steps = rolling.steps(settings)
    shares = [step.percent for step in steps if isinstance(step, Shift)]
    assert shares[-1] == 100
    assert len(shares) == -(-instances // settings.at_once)
    assert sum(isinstance(step, Bake) for step in steps) == len(shares) - 1
    strategy = Strategy("rolling", instances=instances, at_once=settings.at_once)
    assert instances_of(strategy, 100) == instances
    for share in shares[:-1]:
        new, old = instances_of(strategy, share), instances_of(strategy, 100 - share)
        assert instances <= new + old <= instances + 1
    assert Capability.INSTANCES in rolling.CAPABILITIES


def test_only_rolling_runs_several_instances() -> None:
    assert (instances_of(Strategy(), 100), instances_of(Strategy("canary", instances=5), 50)) == (1, 1)


@pytest.mark.parametrize(
    "settings",
    [
        RollingSettings(0),
        RollingSettings(2, 3),
        RollingSettings(2, 0),
        RollingSettings(2_000),
        RollingSettings(2, 1, 0),
    ],
)
def test_rolling_numbers_have_to_make_sense(settings: RollingSettings) -> None:
    with pytest.raises(YourFault, match="Cannot replace"):
        rolling.steps(settings)


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (Strategy(), "blue-green"),
        (Strategy(keep_old=False), "blue-green retired"),
        (Strategy("canary"), "canary"),
        (Strategy("canary", keep_old=False), "canary retired"),
        (Strategy("rolling", bake_seconds=30), "rolling"),
        (Strategy("replace"), "replace"),
    ],
)
def test_the_configuration_chooses_the_steps(strategy: Strategy, name: str) -> None:
    assert steps_of(strategy) == PLANS[name]
    assert problem_of(strategy) == ""
    assert strategy.is_plain == (name == "blue-green")


def test_what_cannot_be_walked_is_a_problem_of_the_configuration() -> None:
    assert "no strategy called 'big_bang'" in problem_of(Strategy("big_bang"))
    assert "do not grow" in problem_of(Strategy("canary", percents=(50, 5)))


def test_a_strategy_holds_where_it_is_configured() -> None:
    strategy = Strategy("canary")
    assert strategy.at("production") is strategy
    assert strategy.at("staging").is_plain


def test_what_a_target_cannot_do_is_named() -> None:
    restart = frozenset({Capability.RESTART})
    beside = restart | {Capability.SIDE_BY_SIDE, Capability.SWITCH}
    assert lack_of(Strategy("replace"), restart) == ""
    assert lack_of(Strategy(), beside) == ""
    assert "run two releases side by side and move all traffic at once" in lack_of(Strategy(), restart)
    assert "split the traffic" in lack_of(Strategy("canary"), beside)
    assert "several instances" in lack_of(Strategy("rolling"), beside | {Capability.SPLIT})
