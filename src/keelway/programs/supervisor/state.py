"""Keep what should run and what runs in one small file that survives any kill."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keelway.programs.supervisor.spec import Spec

STATE_VERSION = 1
STATE_BYTES_MAX = 16 * 1024 * 1024

Phase = Literal["starting", "running", "backoff", "stopping", "stopped", "failed"]


class Row(BaseModel):
    """Record one process: the wish, the marker that finds it again, and what became of it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    spec: Spec
    nonce: str
    phase: Phase = "starting"
    pid: int | None = None
    born: str | None = None
    create_time: float | None = None
    started_at: float | None = None
    restarts: int = 0
    exit_code: int | None = None
    last_error: str | None = None


class Book(BaseModel):
    """Hold every row and the highest epoch seen for each environment."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: Literal[1] = 1
    epochs: dict[str, int] = {}
    processes: Annotated[dict[str, Row], Field(max_length=1000)] = {}


class NewerState(Exception):
    """Report a state file that a later version wrote; starting would lose sight of its processes."""


class _Version(BaseModel):
    version: int


def save(path: Path, book: Book) -> None:
    """Replace the file with the book so that a kill leaves the old or the new one, never a part.

    Raises:
        OSError: the disk is full or refuses; the old file is untouched.
    """
    fresh = path.with_name(path.name + ".tmp")
    data = book.model_dump_json().encode()
    try:
        descriptor = os.open(
            fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def load(path: Path, now: datetime) -> tuple[Book, str | None]:
    """Read the book; a file that cannot be read is kept aside and named in the second value.

    Raises:
        NewerState: the file has a higher version than this program writes.
        OSError: the file exists but cannot be opened or moved aside.
    """
    try:
        with path.open("rb") as source:
            data = source.read(STATE_BYTES_MAX + 1)
    except FileNotFoundError:
        return Book(), None
    try:
        return Book.model_validate_json(data), None
    except ValidationError as error:
        _refuse_newer(data)
        aside = path.with_name(f"{path.name}.corrupt-{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}")
        path.rename(aside)
        _sync_directory(path.parent)
        return (
            Book(),
            f"{path.name} could not be read ({error.error_count()} faults) and is kept as {aside.name}",
        )


def _refuse_newer(data: bytes) -> None:
    with contextlib.suppress(ValidationError):
        found = _Version.model_validate_json(data)
        if found.version > STATE_VERSION:
            raise NewerState(
                f"the state file has version {found.version}, this program writes {STATE_VERSION}"
            )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
