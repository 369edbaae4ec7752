"""Start the new release beside the old one, switch at once, keep the old one warm."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.SIDE_BY_SIDE, Capability.SWITCH})


@dataclass(frozen=True)
class BlueGreenSettings:
    """Bound the switch."""

    bake_seconds: float = 0.0
    """How long to watch with the old release still warm."""
    drain_seconds_max: float = 30.0
    keep_old: bool = True
    """Leave the old release running for a way back in one step."""


def steps(settings: BlueGreenSettings) -> tuple[Step, ...]:
    """Return the steps of a switch; the old release is retired only when it is not kept."""
    watched = (Bake(settings.bake_seconds),) if settings.bake_seconds > 0 else ()
    retired = () if settings.keep_old else (Retire(),)
    return (Start(), Probe(), Shift(100), Drain(settings.drain_seconds_max), *watched, *retired)
