"""What the audit trail says about effects whose run was cut off: still under way, or done and not drawn on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.event import Event, EventKind

_MERGES = {"merge": "open pull", "promote": "open promotion"}
"""The effects that merge, each with the effect that opened its pull request."""

_WAY_BACK_STAGES = frozenset({"unwind", "rollback"})


@dataclass(frozen=True)
class LostMerge:
    """Name a merge that was begun and of which no record says that it happened."""

    stage: str
    attempt: int
    pull_request: int
    """Zero when not even the pull request is known."""


def open_effects(events: Iterable[Event]) -> tuple[str, ...]:
    """Return the names of the effects that were begun and have not ended, those of ways back left out."""
    begun: dict[tuple[str, int, str], None] = {}
    for event in events:
        if event.stage in _WAY_BACK_STAGES or "effect" not in event.data:
            continue
        effect = (event.stage, event.attempt, str(event.data["effect"]))
        if event.kind is EventKind.EFFECT_INTENDED:
            begun[effect] = None
        elif event.kind in {EventKind.EFFECT_DONE, EventKind.EFFECT_FAILED}:
            begun.pop(effect, None)
    return tuple(name for _, _, name in begun)


def lost_merges(events: Iterable[Event]) -> tuple[LostMerge, ...]:
    """Return the merges that were begun by a run which never came to note them."""
    begun: dict[tuple[str, int], LostMerge] = {}
    pulls: dict[tuple[str, int], int] = {}
    for event in events:
        run, effect = (event.stage, event.attempt), str(event.data.get("effect", ""))
        if event.kind is EventKind.EFFECT_DONE and effect in _MERGES.values():
            pulls[run] = int(event.data.get("number", 0))
        elif event.kind is EventKind.EFFECT_INTENDED and effect in _MERGES:
            begun[run] = LostMerge(*run, pulls.get(run, 0))
        elif event.kind is EventKind.MERGED:
            begun.pop(run, None)
    return tuple(begun.values())
