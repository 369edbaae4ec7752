"""Read and change files inside the session's folder, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from keelway.programs.replay_agent.voice import ToolFailed

_READ_BYTES_MAX = 10_000_000


def inside(cwd: str, path: str) -> Path:
    """Return where a path of the script lies.

    Raises:
        ToolFailed: it leaves the folder, by itself or through a link.
    """
    root = Path(cwd).resolve()
    try:
        place = (root / path).resolve()
    except (OSError, ValueError) as error:
        raise ToolFailed(f"{path!r} is no path: {error}") from error
    if not place.is_relative_to(root) or place == root:
        raise ToolFailed(f"{path} is not a file below the session's folder")
    return place


def outside(cwd: str, path: str) -> Path:
    """Return where a path lies that may lead anywhere."""
    return Path(os.path.normpath(Path(cwd) / path))


def read(cwd: str, path: str) -> str:
    """Return the text of a file, bounded.

    Raises:
        ToolFailed: it is no text file that can be read.
    """
    try:
        with inside(cwd, path).open("rb") as file:
            return file.read(_READ_BYTES_MAX).decode()
    except (OSError, ValueError) as error:
        raise ToolFailed(f"{path} was not read: {error}") from error


def write(place: Path, text: str) -> str:
    """Write a file and the folders above it; say so.

    Raises:
        ToolFailed: the system refused.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
    except (OSError, ValueError) as error:
        raise ToolFailed(f"{place.name} was not written: {error}") from error
    return f"{place.name} is written"


def replaced(text: str, old: str, new: str, count: int, path: str) -> str:
    """Return the text with every occurrence replaced.

    Raises:
        ToolFailed: the old text does not occur exactly ``count`` times.
    """
    found = text.count(old) if old else 0
    if found != count:
        raise ToolFailed(f"{path}: the old text occurs {found} times, not {count}")
    return text.replace(old, new)


def delete(cwd: str, path: str) -> str:
    """Remove a file; say so.

    Raises:
        ToolFailed: there is none.
    """
    try:
        inside(cwd, path).unlink()
    except OSError as error:
        raise ToolFailed(f"{path} was not deleted: {error.strerror}") from error
    return f"{path} is gone"
