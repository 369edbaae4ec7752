"""Append a process's output to a file that cannot grow without end, and read its last lines."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

LOG_BYTES_MAX = 10 * 1024 * 1024
KEPT_MAX = 3
COPY_BYTES = 256 * 1024


def open_log(path: Path) -> int:
    """Open the log for appending, with its folder made if missing; the caller closes the descriptor.

    Raises:
        OSError: the place cannot be written, is a link, or is not a regular file.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    os.set_blocking(descriptor, True)
    return descriptor


def rotate(path: Path, bytes_max: int = LOG_BYTES_MAX, kept_max: int = KEPT_MAX) -> bool:
    """Copy a full log to ``.1``, push older copies on, and empty the file that the process keeps writing to.

    The copy holds the newest bytes_max bytes. When it cannot be written the log is emptied all the same:
    a full disk must not stop the limit. What the process writes between copy and cut is lost.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "r+b", buffering=0) as log:
        facts = os.fstat(log.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size <= bytes_max:
            return False
        for number in range(kept_max - 1, 0, -1):
            with contextlib.suppress(OSError):
                _numbered(path, number).replace(_numbered(path, number + 1))
        try:
            _copy_end(log.fileno(), facts.st_size, bytes_max, _numbered(path, 1))
        except OSError:
            with contextlib.suppress(OSError):
                _numbered(path, 1).unlink(missing_ok=True)
        log.truncate(0)
    return True


def tail(path: Path, bytes_max: int) -> tuple[str, bool]:
    """Give the last bytes of the log as text, and whether something before them was left out."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "", False
    with os.fdopen(descriptor, "rb") as log:
        facts = os.fstat(log.fileno())
        if not stat.S_ISREG(facts.st_mode):
            return "", False
        log.seek(max(0, facts.st_size - bytes_max))
        return log.read(bytes_max).decode(errors="replace"), facts.st_size > bytes_max


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _copy_end(source: int, size: int, bytes_max: int, target: Path) -> None:
    fresh = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fresh, "wb") as out:
        at = max(0, size - bytes_max)
        while at < size and (piece := os.pread(source, min(COPY_BYTES, size - at), at)):
            out.write(piece)
            at += len(piece)
