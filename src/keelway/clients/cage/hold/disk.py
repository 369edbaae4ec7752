"""Measure what a run adds to its folders, however it hides it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.cage.hold.walk import Walk

_BLOCK_BYTES = 512
_ENTRY_BYTES = 4096
"""What every file, link and folder counts at least; many empty files fill a disk as well."""
_ENTRIES_MAX = 2_000_000
_FREE_BYTES_MIN = 256 * 1024 * 1024
"""With less than this left on the disk every run ends."""


@dataclass(frozen=True)
class Measured:
    """State what folders hold, and what is used of the disks that they lie on."""

    bytes: int
    unseen: int
    used_bytes: int
    free_bytes: int


def measure(roots: Sequence[str]) -> Measured:
    """Add up everything below some folders; something that vanishes meanwhile does not count."""
    total, entries, unseen = 0, 0, 0
    for root in roots:
        walk = Walk(Path(root))
        for entry in walk:
            total += max(entry.status.st_blocks * _BLOCK_BYTES, _ENTRY_BYTES)
            entries += 1
            if entries > _ENTRIES_MAX:
                break
        unseen += walk.unseen
    used = [shutil.disk_usage(root) for root in roots]
    return Measured(
        total,
        unseen,
        sum(disk.used for disk in used),
        min((disk.free for disk in used), default=0),
    )


def passed(before: Measured, now: Measured, bytes_max: int) -> bool:
    """Tell whether a run took more than its share, or the disk is about to be full.

    What cannot be looked into is estimated by what the whole disk gained.
    """
    if not bytes_max:
        return False
    grown = now.bytes - before.bytes
    if now.unseen > before.unseen:
        grown = max(grown, now.used_bytes - before.used_bytes)
    return grown > bytes_max or now.free_bytes < _FREE_BYTES_MIN
