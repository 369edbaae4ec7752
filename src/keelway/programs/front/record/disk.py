"""Put the front's memory on disk so that a crash at any moment leaves either the old or the new."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from keelway.programs.front.record.counters import LATENCY_BOUNDS_MS

STATE_BYTES_MAX = 4 * 1024 * 1024
_LINE_BYTES_MAX = 64 * 1024
_ASIDE_MAX = 5
_SLACK_BYTES = 1024 * 1024
_Parsed = TypeVar("_Parsed")


class DamagedFile(Exception):
    """Say that a state file cannot be read and where its copy lies."""


def write_atomic(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file in one step: write beside it, sync, rename. Without `durable` a power cut may lose the newest."""
    beside = path.with_name(f"{path.name}.new")
    with open(beside, "wb", opener=_private) as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    beside.replace(path)
    if durable:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_json(path: Path, parse: Callable[[Any], _Parsed]) -> _Parsed | None:
    """Read and parse a state file; None when there is none yet.

    Raises:
        DamagedFile: when it cannot be understood; the file has then been moved aside for a person to look at.
    """
    try:
        with path.open("rb") as file:
            content = file.read(STATE_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    try:
        if len(content) > STATE_BYTES_MAX:
            raise ValueError(f"larger than {STATE_BYTES_MAX} bytes")  # noqa: TRY301 - one road for every damage
        return parse(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        aside = _set_aside(path)
        raise DamagedFile(f"{path.name} is damaged ({error}); a copy is kept as {aside.name}") from error


def _set_aside(path: Path) -> Path:
    """Move a damaged file out of the way; the oldest of several copies goes."""
    for number in range(1, _ASIDE_MAX + 1):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            break
    path.replace(aside)
    return aside


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read."""
    return os.open(path, flags, 0o600)


@dataclass(slots=True)
class StateLock:
    """Make sure that one front at a time owns a state file; the kernel frees it when the process dies."""

    path: Path
    _file: IO[bytes] | None = field(default=None, init=False)

    def take(self) -> bool:
        """Try to become the owner without waiting."""
        file = open(self.path, "ab", opener=_private)  # noqa: SIM115 - it stays open as long as we own it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def free(self) -> None:
        """Let the next front in."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(slots=True)
class Journal:
    """Append ticks to a file under a first line that names their length, and rewrite it before it grows too long."""

    path: Path
    tick_seconds: float
    _bytes: int = field(default=0, init=False)

    def read(self) -> list[bytes]:
        """Give the lines of an earlier run; a file with another tick length is moved aside and nothing comes back."""
        try:
            with self.path.open("rb") as file:
                header = file.readline(_LINE_BYTES_MAX)
                if header != self._header():
                    _set_aside(self.path)
                    return []
                lines = [line.rstrip(b"\n") for line in file]
        except FileNotFoundError:
            return []
        self._bytes = self.path.stat().st_size
        return lines

    def is_long(self, held_bytes: int) -> bool:
        """Tell whether to write afresh: there is no file yet, or it holds twice what is remembered and some slack."""
        return self._bytes == 0 or self._bytes > 2 * held_bytes + _SLACK_BYTES

    def append(self, lines: Iterable[bytes]) -> None:
        """Add lines at the end."""
        content = b"".join(line + b"\n" for line in lines)
        with open(self.path, "ab", opener=_private) as file:
            file.write(content)
        self._bytes += len(content)

    def rewrite(self, keep: Iterable[bytes]) -> None:
        """Write the header and the given lines in one step."""
        content = self._header() + b"".join(line + b"\n" for line in keep)
        write_atomic(self.path, content)
        self._bytes = len(content)

    def _header(self) -> bytes:
        """Name the format, so that ticks of another length or with other buckets are never mixed in."""
        format_ = {"version": 1, "tick_seconds": self.tick_seconds, "buckets": len(LATENCY_BOUNDS_MS) + 1}
        return json.dumps(format_).encode() + b"\n"
