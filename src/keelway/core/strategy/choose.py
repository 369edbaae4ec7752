"""Read from the configuration how traffic moves, and refuse what a target cannot do."""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from keelway.core.errors import YourFault
from keelway.core.strategy import blue_green, canary, replace, rolling
from keelway.core.strategy.blue_green import BlueGreenSettings
from keelway.core.strategy.canary import CanarySettings
from keelway.core.strategy.rolling import RollingSettings
from keelway.core.strategy.step import Capability, Step

BLUE_GREEN, REPLACE, CANARY, ROLLING = "blue_green", "replace", "canary", "rolling"
_NEEDS = {
    BLUE_GREEN: blue_green.CAPABILITIES,
    REPLACE: replace.CAPABILITIES,
    CANARY: canary.CAPABILITIES,
    ROLLING: rolling.CAPABILITIES,
}
_WORDS = {
    Capability.RESTART: "stop a release and start another",
    Capability.SIDE_BY_SIDE: "run two releases side by side",
    Capability.SWITCH: "move all traffic at once",
    Capability.SPLIT: "split the traffic",
    Capability.INSTANCES: "run several instances of a release",
}


@dataclass(frozen=True)
class Strategy:
    """Say how traffic moves to a new release."""

    use: str = BLUE_GREEN
    """``blue_green`` switches at once with the old release kept beside; ``canary`` gives growing shares, each watched
    beside the old release; ``rolling`` replaces instance by instance; ``replace`` stops the old release first."""
    percents: tuple[int, ...] = (5, 25, 50)
    """For ``canary``: the shares in percent before the whole traffic."""
    bake_seconds: float = 60.0
    """For ``canary`` and ``rolling``: how long each share is watched before the next."""
    instances: int = 2
    """For ``rolling``: how many instances of a release run."""
    at_once: int = 1
    """For ``rolling``: how many instances are replaced together."""
    keep_old: bool = True
    """For ``blue_green`` and ``canary``: leave the old release running until the new one has passed, so that the way
    back is one switch; false saves its memory and makes the way back as long as its start."""
    environments: tuple[str, ...] = ("production",)
    """Where it holds; elsewhere traffic moves by ``blue_green``, because a share needs users to be judged by."""

    def at(self, environment: str) -> Strategy:
        """Return what holds in an environment."""
        return self if environment in self.environments else Strategy(environments=(environment,))

    @property
    def is_plain(self) -> bool:
        """Tell whether it starts, switches and leaves the old release running, and nothing else."""
        return self.use == BLUE_GREEN and self.keep_old


def steps_of(strategy: Strategy) -> tuple[Step, ...]:
    """Return the steps of a configured strategy.

    Raises:
        YourFault: there is none of this name, or its numbers make no sense.
    """
    if strategy.use == CANARY:
        return canary.steps(CanarySettings(strategy.percents, strategy.bake_seconds, strategy.keep_old))
    if strategy.use == ROLLING:
        return rolling.steps(RollingSettings(strategy.instances, strategy.at_once, strategy.bake_seconds))
    if strategy.use == REPLACE:
        return replace.steps()
    if strategy.use == BLUE_GREEN:
        return blue_green.steps(BlueGreenSettings(strategy.keep_old))
    raise YourFault(
        "unknown_strategy",
        f"There is no strategy called {strategy.use!r}.",
        f"use one of: {', '.join(sorted(_NEEDS))}",
    )


def instances_of(strategy: Strategy, share: int) -> int:
    """Return how many instances a release with a share of the traffic runs, rounded up."""
    return max(1, math.ceil(strategy.instances * share / 100)) if strategy.use == ROLLING else 1


def problem_of(strategy: Strategy) -> str:
    """Return what is wrong with a configured strategy, whatever the target; empty for nothing."""
    try:
        steps_of(strategy)
    except YourFault as fault:
        return f"strategy: {fault.message}"
    return ""


def lack_of(strategy: Strategy, can: AbstractSet[Capability]) -> str:
    """Say what a strategy needs and a target cannot do; empty for nothing."""
    lacking = [_WORDS[need] for need in Capability if need in _NEEDS[strategy.use] and need not in can]
    if not lacking:
        return ""
    return f"The strategy {strategy.use} needs a target that can {' and '.join(lacking)}; this one cannot."
