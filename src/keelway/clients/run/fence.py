"""What stands between an agent and the rest of the world: a cage, and the gate to the model."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.clients.cage import Bounds, Cage, Settings, choose_cage
from keelway.clients.run.purse import Gate

NONE = "none"


def _no_cage() -> Cage:
    return choose_cage(NONE, Settings())


@dataclass(frozen=True)
class Fence:
    """Hold what every run of an agent is put behind."""

    cage: Cage = field(default_factory=_no_cage)
    bounds: Bounds = field(default_factory=Bounds)
    gate: Gate | None = None
    """The model gateway; None for agents that need no model, or find their own."""
