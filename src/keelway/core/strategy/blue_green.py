"""Start the new release beside the old one, switch at once, keep the old one warm."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.strategy.step import Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.SIDE_BY_SIDE, Capability.SWITCH})


@dataclass(frozen=True)
class BlueGreenSettings:
    """Say what becomes of the old release."""

    keep_old: bool = True
    """Leave the old release running for a way back in one step."""


def steps(settings: BlueGreenSettings) -> tuple[Step, ...]:
    """Return the steps of a switch; the old release is drained and retired only when it is not kept."""
    return (Start(), Probe(), Shift(100), *(() if settings.keep_old else (Drain(), Retire())))
