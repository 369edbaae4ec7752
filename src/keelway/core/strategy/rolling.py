"""Replace instance by instance."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.errors import YourFault
from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.SIDE_BY_SIDE, Capability.INSTANCES})
_INSTANCES_MAX = 1_000
_ALL = 100


@dataclass(frozen=True)
class RollingSettings:
    """Bound the replacement of instances."""

    instances: int = 2
    """How many instances run."""
    at_once: int = 1
    """How many are replaced together."""
    bake_seconds: float = 30.0
    """How long each group is watched."""
    drain_seconds_max: float = 30.0


def steps(settings: RollingSettings) -> tuple[Step, ...]:
    """Return the steps of a rolling replacement.

    Raises:
        YourFault: the numbers of instances make no sense.
    """
    if not 1 <= settings.at_once <= settings.instances <= _INSTANCES_MAX:
        raise YourFault(
            "rolling_instances",
            f"Cannot replace {settings.at_once} at once of {settings.instances} instances (at most {_INSTANCES_MAX}).",
            "correct instances and at_once of the rolling strategy in keelway.toml",
        )
    found: list[Step] = []
    for done in range(0, settings.instances, settings.at_once):
        group = min(settings.at_once, settings.instances - done)
        found += [Start(group), Probe(), Shift(_ALL * (done + group) // settings.instances)]
        found += [Drain(settings.drain_seconds_max), Retire(group), Bake(settings.bake_seconds)]
    return tuple(found)
