"""Find the parts of a log that others write and rotate, and say plainly when they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keelway.core.errors import TheirFault

BYTES_MAX = 32 * 1024 * 1024
"""How much of the newest log is read at most."""

_ROTATED_MAX = 3


def parts_of(path: Path) -> list[Path]:
    """Return where a log and what was rotated out of it would be, the newest first."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _ROTATED_MAX + 1))]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Read a log.

    Raises:
        TheirFault: it, or the folder in which it would be, cannot be read (``log_unreadable``).
    """
    try:
        yield
    except OSError as error:
        raise TheirFault(
            "log_unreadable",
            f"The log {path} cannot be read: {error.strerror or error}.",
            "correct [data] log or the rights of the file",
        ) from error
