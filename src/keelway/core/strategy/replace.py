"""Stop the old release, start the new one: simplest, with a gap in which users get no answer."""

from __future__ import annotations

from keelway.core.strategy.step import Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.RESTART})


def steps() -> tuple[Step, ...]:
    """Return the steps of a replacement in place."""
    return (Shift(0), Drain(), Retire(), Start(), Probe(), Shift(100))
