"""Stop the old release, start the new one: simplest, with a short gap."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.RESTART})


@dataclass(frozen=True)
class ReplaceSettings:
    """Bound the replacement."""

    drain_seconds_max: float = 10.0
    bake_seconds: float = 0.0
    """How long to watch before the deployment counts; the observation comes on top."""


def steps(settings: ReplaceSettings) -> tuple[Step, ...]:
    """Return the steps of a replacement in place."""
    return (
        Drain(settings.drain_seconds_max),
        Retire(),
        Start(),
        Probe(),
        Shift(100),
        *((Bake(settings.bake_seconds),) if settings.bake_seconds > 0 else ()),
    )
