"""Find and run the programs that databases bring for copying themselves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from keelway.clients.backup.source import COPY_SECONDS_MAX, CopyFailed
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import YourFault

_POSTGRES = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version beside the search path."""

_SAID_CHARS = 600


def postgres_program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs: the newest version beside the search path, else that.

    Raises:
        YourFault: it is not installed.
    """
    versions = [path for path in _POSTGRES.glob(f"*/bin/{name}") if path.parts[-3].isdecimal()]
    newest = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    found = str(newest) if newest else shutil.which(name)
    if not found:
        raise YourFault(
            "program_missing",
            f"{name} is not installed here, and only PostgreSQL's own programs can copy its database.",
            "apt-get install postgresql-client",
        )
    return found


def mysql_program(*names: str) -> str:
    """Return the path of the first of these programs that is installed: MariaDB's, else MySQL's.

    Raises:
        YourFault: none is installed.
    """
    path = base_env("/nonexistent")["PATH"]
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise YourFault(
        "program_missing",
        f"None of {', '.join(names)} is installed here, and only they can copy a MySQL or MariaDB database.",
        "apt-get install mariadb-client",
    )


def told_by(argv: tuple[str, ...], env: Mapping[str, str], what: str, bytes_max: int = 1_000_000) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        CopyFailed: it said no, or took too long.
    """
    done = run(Command(argv, "/", {**base_env("/nonexistent"), **env}, COPY_SECONDS_MAX, bytes_max))
    if done.passed:
        return done.stdout.decode("utf-8", "replace")
    said = done.could_not_start or " ".join(done.stderr.decode("utf-8", "replace").split())[-_SAID_CHARS:]
    raise CopyFailed(
        f"it could not be {what}: {said or ('it took too long' if done.timed_out else 'no reason given')}"
    )
