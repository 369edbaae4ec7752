"""Every strategy ends with all traffic on a probed release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import YourFault
from keelway.core.strategy import blue_green, canary, replace, rolling
from keelway.core.strategy.blue_green import BlueGreenSettings
from keelway.core.strategy.canary import CanarySettings
from keelway.core.strategy.replace import ReplaceSettings
from keelway.core.strategy.rolling import RollingSettings
from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

PLANS = {
    "replace": replace.steps(ReplaceSettings()),
    "replace watched": replace.steps(ReplaceSettings(bake_seconds=5)),
    "blue-green": blue_green.steps(BlueGreenSettings()),
    "blue-green retired": blue_green.steps(BlueGreenSettings(bake_seconds=5, keep_old=False)),
    "canary": canary.steps(CanarySettings()),
    "canary retired": canary.steps(CanarySettings(keep_old=False)),
    "rolling": rolling.steps(RollingSettings()),
}


@pytest.mark.parametrize("steps", PLANS.values(), ids=PLANS)
def test_no_traffic_before_a_probe_and_all_of_it_at_the_end(steps: tuple[Step, ...]) -> None:
    kinds = [type(step) for step in steps]
    assert kinds.index(Start) < kinds.index(Probe) < kinds.index(Shift)
    shares = [step.percent for step in steps if isinstance(step, Shift)]
    assert shares == sorted(set(shares))
    assert shares[-1] == 100


def test_replace_stops_before_it_starts() -> None:
    assert PLANS["replace"] == (Drain(10.0), Retire(), Start(), Probe(), Shift(100))
    assert PLANS["replace watched"][-1] == Bake(5)
    assert {Capability.RESTART} == replace.CAPABILITIES


def test_blue_green_keeps_the_old_release_warm() -> None:
    assert PLANS["blue-green"] == (Start(), Probe(), Shift(100), Drain(30.0))
    assert PLANS["blue-green retired"][-2:] == (Bake(5), Retire())
    assert {Capability.SIDE_BY_SIDE, Capability.SWITCH} == blue_green.CAPABILITIES


def test_canary_grows_and_watches_each_share() -> None:
    shares = [step.percent for step in PLANS["canary"] if isinstance(step, Shift)]
    assert shares == [5, 25, 50, 100]
    assert sum(isinstance(step, Bake) for step in PLANS["canary"]) == 4
    assert Retire() not in PLANS["canary"]
    assert PLANS["canary retired"][-1] == Retire()
    assert {Capability.SIDE_BY_SIDE, Capability.SPLIT} == canary.CAPABILITIES


@pytest.mark.parametrize("percents", [(0,), (100,), (50, 25), (5, 5), (-1,), (120,)])
def test_a_canary_has_to_grow(percents: tuple[int, ...]) -> None:
    with pytest.raises(YourFault, match="do not grow"):
        canary.steps(CanarySettings(percents=percents))


@given(st.integers(1, 40), st.integers(1, 40))
def test_rolling_replaces_each_instance_once(instances: int, at_once: int) -> None:
    settings = RollingSettings(instances=instances, at_once=min(at_once, instances))
    steps = rolling.steps(settings)
    assert sum(step.instances for step in steps if isinstance(step, Start)) == instances
    assert sum(step.instances for step in steps if isinstance(step, Retire)) == instances
    assert {Capability.SIDE_BY_SIDE, Capability.INSTANCES} == rolling.CAPABILITIES


@pytest.mark.parametrize(
    "settings", [RollingSettings(0), RollingSettings(2, 3), RollingSettings(2, 0), RollingSettings(2_000)]
)
def test_rolling_numbers_have_to_make_sense(settings: RollingSettings) -> None:
    with pytest.raises(YourFault, match="Cannot replace"):
        rolling.steps(settings)
