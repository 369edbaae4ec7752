"""What should run in an environment, by the book: whatever was deployed last and not taken back since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

UNSETTLED = frozenset({"running", "observing"})
"""States of a deployment about which no verdict has been acted on."""

_KEPT = frozenset({"live", "superseded"})


@dataclass(frozen=True)
class Past:
    """Hold what the book says about one deployment."""

    id: str
    release: str
    sha: str
    status: str
    task: str = ""
    schema: int | None = None
    back_release: str = ""
    """Where it was taken back to, when it was."""
    back_verified: bool = True
    """The release that it was taken back to was seen healthy."""


@dataclass(frozen=True)
class Standing:
    """State which release should serve now."""

    release: str = ""
    """Empty when nothing was deployed, or when nobody knows."""
    sha: str = ""
    deployment: str = ""
    """The deployment that brought it."""
    task: str = ""
    schema: int | None = None
    moving: tuple[str, ...] = ()
    """Releases about which no verdict has been acted on; one of them may serve as well."""
    unsure: bool = False
    """The last way back did not end well, so the book does not know what serves."""


def standing(history: Iterable[Past]) -> Standing:
    """Return what should run, from the deployments of one environment, the newest first.

    The schema is that of the newest deployment which was kept; after a way back nobody wrote it down,
    so it is unknown.
    """
    entries = tuple(history)
    moving = tuple(entry.release for entry in entries if entry.status in UNSETTLED)
    for entry in entries:
        if entry.status in _KEPT:
            return Standing(entry.release, entry.sha, entry.id, entry.task, entry.schema, moving)
        if entry.status == "rolled_back" and not entry.back_verified:
            return Standing(moving=moving, unsure=True)
        if entry.status == "rolled_back" and entry.back_release:
            return _back_on(entry.back_release, entries, moving)
    return Standing(moving=moving)


def _back_on(release: str, entries: tuple[Past, ...], moving: tuple[str, ...]) -> Standing:
    """Return the release that an environment was taken back to, with the deployment that once brought it."""
    brought = next((entry for entry in entries if entry.release == release and entry.status in _KEPT), None)
    if brought is None:
        return Standing(release, moving=moving)
    return Standing(release, brought.sha, brought.id, brought.task, moving=moving)
