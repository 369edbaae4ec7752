"""Walk through folders that a hostile program made: no link is followed, depth and number are bounded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RIGHTS = 0o777
DEPTH_MAX = 100
"""Each level costs a descriptor while it is walked."""


@dataclass(frozen=True)
class Entry:
    """Name one file, link or folder by its open parent folder."""

    folder: int
    name: str
    status: os.stat_result

    @property
    def plain(self) -> bool:
        """Tell whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)


class Walk:
    """Go through everything below a folder, the folder itself first, each before what is in it."""

    def __init__(self, root: Path, *, open_up: bool = False) -> None:
        self._root = root
        self._open_up = open_up
        self.unseen = 0
        """How many folders could not be looked into: too deep, or closed to us."""

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries; a descriptor is good until the next one is asked for."""
        parent = os.open(self._root.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        trail = [(parent, iter([self._root.name]))]
        try:
            while trail:
                folder, names = trail[-1]
                name = next(names, None)
                if name is None:
                    os.close(trail.pop()[0])
                    continue
                entry = _entry(folder, name)
                if entry is None:
                    continue
                yield entry
                if stat.S_ISDIR(entry.status.st_mode):
                    self._enter(entry, trail)
        finally:
            for folder, _ in trail:
                os.close(folder)

    def _enter(self, entry: Entry, trail: list[tuple[int, Iterator[str]]]) -> None:
        if len(trail) > DEPTH_MAX:
            self.unseen += 1
            return
        try:
            if self._open_up and entry.status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
                chmod(entry, entry.status.st_mode & _RIGHTS | stat.S_IRWXU)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            inner = os.open(entry.name, flags, dir_fd=entry.folder)
        except FileNotFoundError:
            return
        except OSError:
            self.unseen += 1
            return
        try:
            names = os.listdir(inner)  # noqa: PTH208 - a descriptor, not a path
        except OSError:
            os.close(inner)
            self.unseen += 1
            return
        trail.append((inner, iter(names)))


def chmod(entry: Entry, mode: int) -> None:
    """Set the mode of exactly this entry, which is no link.

    Raises:
        OSError: it is gone, or not ours.
    """
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(entry.name, flags, dir_fd=entry.folder)
    try:
        if not stat.S_ISLNK(os.fstat(descriptor).st_mode):
            Path(f"/proc/self/fd/{descriptor}").chmod(mode)
    finally:
        os.close(descriptor)


def _entry(folder: int, name: str) -> Entry | None:
    try:
        return Entry(folder, name, os.stat(name, dir_fd=folder, follow_symlinks=False))
    except OSError:
        return None
