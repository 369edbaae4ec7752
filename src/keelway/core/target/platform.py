"""Read what a platform says about a deployment, whatever words it has for it."""

from __future__ import annotations

import re
from enum import StrEnum

_BUILDING = (
    *("building", "queued", "pending", "initializing", "in_progress", "in progress", "deploying", "waiting"),
    *("running", "created", "progressing", "paused"),
)
_READY = ("ready", "success", "succeeded", "active", "completed", "healthy")
_ERROR = (
    "error",
    "errored",
    "failure",
    "failed",
    "canceled",
    "cancelled",
    "rejected",
    "timed_out",
    "degraded",
)
_SHA = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?:[0-9a-f]{24})?(?![0-9a-f])")


class Stand(StrEnum):
    """Say how a deployment stands."""

    BUILDING = "building"
    READY = "ready"
    ERROR = "error"
    UNKNOWN = "unknown"
    """The platform does not know it yet, or says something else: not ready."""


_STANDS = {
    **dict.fromkeys(_BUILDING, Stand.BUILDING),
    **dict.fromkeys(_READY, Stand.READY),
    **dict.fromkeys(_ERROR, Stand.ERROR),
}
_WORD = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(map(re.escape, _STANDS), key=len, reverse=True))})(?![\w-])", re.IGNORECASE
)


def stand_of(said: str) -> Stand:
    """Return how a deployment stands by the first word of a text that says it; lists begin with the newest."""
    found = _WORD.search(said)
    return _STANDS[found[1].lower()] if found else Stand.UNKNOWN


def commit_of(said: str) -> str:
    """Return the first whole commit that a text names, empty when it names none."""
    found = _SHA.search(said.lower())
    return found[0] if found else ""


def ends(stands: tuple[Stand, ...], *, live: bool) -> Stand | None:
    """Return how a deployment ended by what was said of it in order, ``None`` while it goes on.

    It is ready when it is live as well. A platform may tell of an older try of the same commit at first, so an
    error counts once it was said twice in a row or after it was seen building.
    """
    last = stands[-1] if stands else Stand.UNKNOWN
    if live and last is Stand.READY:
        return Stand.READY
    if last is Stand.ERROR and (Stand.BUILDING in stands or stands[-2:-1] == (Stand.ERROR,)):
        return Stand.ERROR
    return None
