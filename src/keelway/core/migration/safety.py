"""How far back a migration can be taken, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Safety(StrEnum):
    """Rank migrations from those that an old release can live with to those that lose something for good."""

    REVERSIBLE = "reversible"
    RESTORE_ONLY = "restore-only"
    IRREVERSIBLE = "irreversible"


_ORDER = tuple(Safety)


@dataclass(frozen=True)
class Step:
    """Say what one statement of a migration does."""

    safety: Safety
    what: str
    """In words, such as ``drops a column``; of a reversible step the kind of statement."""


def safe(what: str) -> Step:
    """Make a step that only adds."""
    return Step(Safety.REVERSIBLE, what)


def restorable(what: str) -> Step:
    """Make a step that only a backup takes back."""
    return Step(Safety.RESTORE_ONLY, what)


def lossy(what: str) -> Step:
    """Make a step that loses something, or breaks the release before, for good."""
    return Step(Safety.IRREVERSIBLE, what)


def unread(what: str) -> Step:
    """Make a step of something that cannot be read: what nobody can read counts as the worst."""
    return lossy(f"cannot be read: {what}")


def worst_step(steps: Iterable[Step]) -> Step:
    """Return the first of the worst steps; no step at all is nothing that could be read."""
    return max(steps, key=lambda step: _ORDER.index(step.safety), default=unread("no step"))


def worst_of(steps: Iterable[Step]) -> Safety:
    """Return the worst of many steps; no step at all is nothing that could be read."""
    return worst_step(steps).safety
