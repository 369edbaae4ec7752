"""The emergency stop as a file, ``FREEZE`` in the home, so that it works while the database is down.

The file holds JSON (``by``, ``reason``, ``since``). Only its absence from a readable home means that
no freeze is in force; whatever cannot be read or understood counts as a freeze.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from keelway.core.errors import YourFault
from keelway.core.rule.freeze import Freeze

FLAG = "FREEZE"
BYTES_MAX = 64_000


def read_freeze(home: Path) -> Freeze:
    """Return the emergency stop as it stands."""
    flag = home / FLAG
    try:
        with flag.open("rb") as stream:
            return _parse(stream.read(BYTES_MAX))
    except FileNotFoundError:
        if home.is_dir() and not os.path.lexists(flag):
            return Freeze()
        return Freeze(active=True, reason=f"{flag} cannot be reached")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        return Freeze(active=True, reason=f"{flag} cannot be read: {type(problem).__name__}")


def set_freeze(home: Path, *, by: str, reason: str, since: datetime) -> Freeze:
    """Pull the emergency stop; the file is on disk when this returns.

    Raises:
        YourFault: the home cannot be written.
    """
    plain = {"by": by, "reason": reason, "since": since.isoformat()}
    fresh = home / f"{FLAG}.{os.getpid()}.new"
    try:
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(plain, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(home / FLAG)
        _sync(home)
    except OSError as problem:
        raise _unwritable(home, problem) from problem
    return read_freeze(home)


def lift_freeze(home: Path) -> bool:
    """Release the emergency stop and tell whether there was one.

    Raises:
        YourFault: the file cannot be removed.
    """
    try:
        (home / FLAG).unlink()
        _sync(home)
    except FileNotFoundError:
        return False
    except OSError as problem:
        raise _unwritable(home, problem) from problem
    return True


def _parse(content: bytes) -> Freeze:
    plain: dict[str, Any] = json.loads(content.decode("utf-8"))
    since = datetime.fromisoformat(plain["since"])
    if since.tzinfo is None:
        raise ValueError("no time zone")
    return Freeze(active=True, by=str(plain["by"]), reason=str(plain["reason"]), since=since)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(home: Path, problem: OSError) -> YourFault:
    return YourFault(
        "freeze_not_written",
        f"The emergency stop in {home} could not be changed: {problem.strerror or problem}.",
        f"make {home} writable for this user, or create or remove the file {FLAG} there by hand",
    )
