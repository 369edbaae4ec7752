"""Measure how much was logged in a time, from the end of a log backwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from keelway.adapters.signal.front.parts import BYTES_MAX, parts_of, reading

VOLUME_BYTES_MAX = BYTES_MAX
"""More than this within one look cannot be read, so errors in it would be missed."""

_FIRST_BYTES = 256 * 1024
_TIME = re.compile(rb'"(?:time|timestamp|ts|asctime|@timestamp)"\s*:\s*(?:"([^"]{1,64})"|([0-9.]{1,32}))')


def logged_bytes(path: Path, since: datetime, until: datetime) -> int:
    """Return the bytes of the lines that were logged between two instants, or ``VOLUME_BYTES_MAX`` for too many.

    Raises:
        TheirFault: the log cannot be read (``log_unreadable``).
    """
    found = 0
    with reading(path):
        for part in parts_of(path):
            if not part.exists():
                return found
            counted, whole = _within(part, since, until, VOLUME_BYTES_MAX - found)
            found += counted
            if whole or found >= VOLUME_BYTES_MAX:
                return min(found, VOLUME_BYTES_MAX)
    return VOLUME_BYTES_MAX  # every part that is kept is newer: what was before them is lost


def log_size(path: Path) -> int:
    """Return the bytes of a log and of what was rotated out of it; -1 when they cannot be told.

    Whoever writes the log says when it was written, so a flood may claim to be old. Its size cannot.
    """
    try:
        return sum(part.stat().st_size for part in parts_of(path) if part.exists())
    except OSError:
        return -1


def _within(part: Path, since: datetime, until: datetime, budget: int) -> tuple[int, bool]:
    """Return the bytes of a part, and whether it reaches back to before the time."""
    size, take = part.stat().st_size, _FIRST_BYTES
    while True:
        with part.open("rb") as file:
            file.seek(max(0, size - take))
            lines = file.read(take).splitlines(keepends=True)
        if size > take:
            lines = lines[1:]  # begins in the middle of a line
        first = next((at for line in lines if (at := _instant(line)) is not None), None)
        older = first is not None and first < since
        if older or take >= size or take >= budget:
            return _sum(lines, since, until), older or (first is None and size == 0)
        take = min(budget, take * 4)


def _sum(lines: list[bytes], since: datetime, until: datetime) -> int:
    """Add up lines; one without a time is as old as the one before it."""
    total, inside = 0, False
    for line in lines:
        at = _instant(line)
        inside = since <= at < until if at is not None else inside
        total += len(line) if inside else 0
    return total


def _instant(line: bytes) -> datetime | None:
    found = _TIME.search(line[:4_096])
    if found is None:
        return None
    try:
        if found[2] is not None:
            return datetime.fromtimestamp(float(found[2]), UTC)
        at = datetime.fromisoformat(found[1].decode())
    except (ValueError, OverflowError, OSError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
