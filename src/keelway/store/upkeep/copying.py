"""Take one verified copy of the whole store; what is not verified is not there."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from keelway.clients.files import free_bytes, sha256_file, sync_folder
from keelway.core.errors import TheirFault, YourFault
from keelway.store.upkeep import dump

Say = Callable[[str], None]

SPARE_BYTES = 16_000_000
"""Room that is left on the disk besides the copy."""


@dataclass(frozen=True)
class Copy:
    """Name a copy that was verified."""

    path: Path
    size_bytes: int
    sha256: str


def copy(engine: Engine, size_bytes: int, path: Path, say: Say) -> Copy:
    """Copy the database behind an engine to a new file, verify the copy and return it.

    Args:
        engine: from ``open_database``.
        size_bytes: how large the database is; so much room must be free.
        path: the file to be made; it must not be there.
        say: hears how it goes.

    Raises:
        YourFault: the file is there already.
        TheirFault: there is no room, the copy failed, or it is damaged.
    """
    if os.path.lexists(path):
        raise already(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if free_bytes(path.parent) < size_bytes + SPARE_BYTES:
            raise TheirFault(
                "disk_full",
                f"A copy of {size_bytes / 1e6:.1f} MB has no room in {path.parent}; nothing was written.",
                "free space there, or name another directory: keelway db backup --to DIRECTORY",
            )
        with _unfinished(path) as fresh:
            if engine.dialect.name == "sqlite":
                _copy_sqlite(str(engine.url.database), fresh, say)
            else:
                dump.take(engine, fresh, say)
            _publish(fresh, path)
        return Copy(path, path.stat().st_size, sha256_file(path))
    except (OSError, sqlite3.Error) as problem:
        raise TheirFault(
            "backup_failed",
            f"The store could not be copied to {path}: {problem}. Nothing was left there.",
            "free space and look at the disk, then try again",
        ) from problem


def already(path: Path) -> YourFault:
    """Make the fault of a file that is there."""
    return YourFault(
        "backup_exists",
        f"{path} is there already; a backup never overwrites.",
        "name another place with --to",
    )


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".unfinished", dir=path.parent)
    os.close(descriptor)
    fresh = Path(name)
    try:
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _publish(fresh: Path, path: Path) -> None:
    """Give the copy its name unless somebody else has taken it meanwhile."""
    with fresh.open("rb") as stream:
        os.fsync(stream.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise already(path) from None
    sync_folder(path.parent)


def _copy_sqlite(source: str, fresh: Path, say: Say) -> None:
    """Copy all pages in one step, so that writers neither disturb the copy nor start it anew."""
    say(f"Copying {source}.")
    with (
        closing(sqlite3.connect(f"{_uri(Path(source))}?mode=ro", uri=True, timeout=30)) as live,
        closing(sqlite3.connect(fresh)) as kept,
    ):
        live.backup(kept, pages=-1)
        # The copy is one file: a write-ahead log beside it would be a part that can get lost.
        kept.execute("PRAGMA journal_mode=DELETE")
    say("Checking the copy.")
    with closing(sqlite3.connect(f"{_uri(fresh)}?mode=ro&immutable=1", uri=True)) as kept:
        told = [str(row[0]) for row in kept.execute("PRAGMA integrity_check(5)")]
    if told != ["ok"]:
        raise TheirFault(
            "backup_damaged",
            f"The copy is not sound and was removed: {'; '.join(told)[:300]}.",
            "keelway db check; the store itself may be damaged",
        )
    with contextlib.suppress(OSError):
        fresh.chmod(0o600)


def _uri(path: Path) -> str:
    """Return a path as SQLite reads it beside options: a question mark in it is no option."""
    return path.absolute().as_uri()
