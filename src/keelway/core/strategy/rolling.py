"""Replace instance by instance: a target keeps as many of each release as its share of the traffic asks for."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.errors import YourFault
from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.SIDE_BY_SIDE, Capability.SPLIT, Capability.INSTANCES})
_INSTANCES_MAX = 16
_ALL = 100


@dataclass(frozen=True)
class RollingSettings:
    """Bound the replacement of instances."""

    instances: int = 2
    """How many instances run."""
    at_once: int = 1
    """How many are replaced together."""
    bake_seconds: float = 30.0
    """How long each group but the last is watched; what has all the traffic is watched as every deployment is."""


def steps(settings: RollingSettings) -> tuple[Step, ...]:
    """Return the steps of a rolling replacement.

    Raises:
        YourFault: the numbers of instances make no sense, or a group is not watched.
    """
    if not 1 <= settings.at_once <= settings.instances <= _INSTANCES_MAX or settings.bake_seconds <= 0:
        raise YourFault(
            "rolling_instances",
            f"Cannot replace {settings.at_once} at once of {settings.instances} instances (at most {_INSTANCES_MAX}), "
            f"each watched for {settings.bake_seconds:g} s.",
            "correct instances, at_once and bake_seconds under [strategy] in keelway.toml",
        )
    shares = [
        _ALL * min(done, settings.instances) // settings.instances
        for done in range(settings.at_once, settings.instances + settings.at_once, settings.at_once)
    ]
    groups = [
        step
        for share in shares
        for step in (
            (Shift(share), Bake(settings.bake_seconds), Probe()) if share < _ALL else (Shift(share),)
        )
    ]
    return (Start(), Probe(), *groups, Drain(), Retire())
