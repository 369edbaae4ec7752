"""Read and change files inside the session's folder, and nowhere else, within bounds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

READ_BYTES_MAX = 2_000_000
WRITE_BYTES_MAX = 2_000_000
SHOWN_CHARS_MAX = 30_000
SHOWN_LINES_MAX = 2_000
ENTRIES_MAX = 1_000

_UNSHOWN = frozenset(
    {".git", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)


class ToolFailed(Exception):
    """Report to the model that a tool could not do what was asked."""


def inside(root: Path, path: str) -> Path:
    """Return where a path lies, links followed.

    Raises:
        ToolFailed: it leaves the folder, by itself or through a link.
    """
    try:
        place = (root / path).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise ToolFailed(f"{path!r} is no path: {error}") from error
    if not place.is_relative_to(root):
        raise ToolFailed(f"{path} lies outside the workspace; use paths below it")
    return place


def read(root: Path, path: str, first_line: int = 1, lines: int = SHOWN_LINES_MAX) -> str:
    """Return some lines of a file, cut at the bound.

    Raises:
        ToolFailed: it is no text file that can be read.
    """
    rows = text_of(root, path).splitlines(keepends=True)
    start = max(1, first_line) - 1
    chosen = rows[start : start + max(1, min(lines, SHOWN_LINES_MAX))]
    shown = "".join(chosen)[:SHOWN_CHARS_MAX]
    told = shown.count("\n") + (0 if shown.endswith("\n") or not shown else 1)
    if start + told < len(rows):
        shown += (
            f"\n[lines {start + 1} to {start + told} of {len(rows)}; ask for first_line={start + told + 1}]"
        )
    return shown or "[nothing there]"


def text_of(root: Path, path: str) -> str:
    """Return the whole text of a file.

    Raises:
        ToolFailed: it is no text file, too long, or cannot be read.
    """
    place = inside(root, path)
    try:
        # A pipe would be waited for for ever.
        handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ToolFailed(f"{path} is not a file")
            data = file.read(READ_BYTES_MAX + 1)
        if len(data) > READ_BYTES_MAX:
            raise ToolFailed(f"{path} is longer than {READ_BYTES_MAX} bytes; search in it instead")
        return data.decode()
    except OSError as error:
        raise ToolFailed(f"{path} was not read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ToolFailed(f"{path} is not UTF-8 text") from error


def write(root: Path, path: str, text: str) -> str:
    """Write a file and the folders above it; say so.

    Raises:
        ToolFailed: it is too long, or the system refused.
    """
    place, data = inside(root, path), text.encode(errors="replace")
    if len(data) > WRITE_BYTES_MAX:
        raise ToolFailed(f"{path} would be longer than {WRITE_BYTES_MAX} bytes")
    try:
        if place.exists() and not place.is_file():
            raise ToolFailed(f"{path} is not a file")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    except OSError as error:
        raise ToolFailed(f"{path} was not written: {error.strerror}") from error
    return f"{path} is written, {len(data)} bytes"


def replaced(text: str, old: str, new: str, path: str) -> str:
    """Return the text with its one occurrence replaced.

    Raises:
        ToolFailed: the old text does not occur exactly once.
    """
    found = text.count(old) if old else 0
    if found != 1:
        raise ToolFailed(
            f"{path}: the old text occurs {found} times, not once; give more of its surroundings"
        )
    return text.replace(old, new)


def listed(root: Path, path: str = ".") -> str:
    """Return the paths of the files below a folder, without what is generated.

    Raises:
        ToolFailed: there is no such folder.
    """
    place = inside(root, path)
    if not place.is_dir():
        raise ToolFailed(f"{path} is not a folder")
    found = list(islice(_walk(root, place), ENTRIES_MAX + 1))
    more = f"\n[more than {ENTRIES_MAX} files; list a folder below]" if len(found) > ENTRIES_MAX else ""
    return "\n".join(found[:ENTRIES_MAX]) + more or "[no files]"


def _walk(root: Path, place: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(set(folders) - _UNSHOWN)
        for name in sorted(names):
            yield str((Path(folder) / name).relative_to(root))
