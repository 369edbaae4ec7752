"""The words in which a strategy says how traffic moves; a routine carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """Name what a target has to be able to do."""

    RESTART = "restart"
    """Stop the old release and start the new one in its place."""
    SIDE_BY_SIDE = "side_by_side"
    """Run two releases at once."""
    SWITCH = "switch"
    """Move all traffic at once, without a cut."""
    SPLIT = "split"
    """Send a share of the traffic to each release."""
    INSTANCES = "instances"
    """Run as many instances of a release as its share of the traffic asks for."""


@dataclass(frozen=True)
class Start:
    """Start the new release and wait until it is healthy."""


@dataclass(frozen=True)
class Probe:
    """Ask the new release its health questions before it gets (more) traffic."""


@dataclass(frozen=True)
class Shift:
    """Send this share of the traffic to the new release."""

    percent: int


@dataclass(frozen=True)
class Drain:
    """Let the old release answer what it has begun; the target bounds how long."""


@dataclass(frozen=True)
class Bake:
    """Watch the new release beside the old one for a while and judge its numbers."""

    seconds: float


@dataclass(frozen=True)
class Retire:
    """Stop the old release."""


Step = Start | Probe | Shift | Drain | Bake | Retire
