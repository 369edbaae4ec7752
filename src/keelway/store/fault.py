"""Turn what a database reports into a fault with a next step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from keelway.core.errors import OurFault, TheirFault, YourFault

CAUSE_CHARS_MAX = 600


@dataclass(frozen=True)
class _Known:
    """Recognise one trouble by the words of the database; a refused connection carries no error code."""

    code: str
    words: re.Pattern[str]
    said: str
    hint: str


def _known(code: str, words: str, said: str, hint: str) -> _Known:
    return _Known(code, re.compile(words, re.IGNORECASE), said, hint)


_TROUBLES = (
    _known(
        "store_login",
        r"password authentication failed|no password supplied|no pg_hba\.conf entry|role \"[^\"]*\" does not exist"
        r"|peer authentication failed|authentication method",
        "The database server does not let us in",
        "correct user and password in KEELWAY_STORE_URL, or keep the password in ~/.pgpass; then keelway doctor",
    ),
    _known(
        "store_missing",
        r"database \"[^\"]*\" does not exist",
        "The database is not there",
        "make it: createdb NAME (with the server's --host and --username), then keelway db upgrade",
    ),
    _known(
        "disk_full",
        r"disk is full|no space left on device|could not extend file|file too large|disk full",
        "The store cannot be written, its disk is full; nothing was changed",
        "free space on the disk of the database, then try again; keelway db vacuum removes what is over its time",
    ),
    _known(
        "store_busy",
        r"lock timeout|database is locked|database table is locked",
        "Another writer holds the store for too long; nothing was changed",
        "try again; if it stays so, look for a long backup, upgrade or query on the database",
    ),
    _known(
        "store_damaged",
        r"disk image is malformed|file is not a database",
        "The store is damaged",
        "keelway db check, then put the last backup back: keelway db backup --dry-run shows how",
    ),
    _known(
        "store_down",
        r"connection refused|no such file or directory|could not connect|connection failed|timeout expired"
        r"|could not translate host name|failed to resolve host|server closed the connection|is starting up"
        r"|terminating connection|the connection is closed|connection is lost|shutting down|not yet accepting"
        r"|network is unreachable|no route to host|consuming input failed",
        "The database server does not answer",
        "start the server, or correct KEELWAY_STORE_URL ([store] url); then keelway doctor",
    ),
)
"""The first that fits rules: a refused login is told inside the words of a failed connection."""


@contextmanager
def reported() -> Iterator[None]:
    """Name the faults of the database inside the block.

    Raises:
        TheirFault: it is away, busy for too long, full, read-only, damaged, or does not let us in.
        OurFault: a record contradicts another.
    """
    try:
        yield
    except IntegrityError as problem:
        raise OurFault(
            "store_conflict", f"A record contradicts another: {problem.orig}.", "keelway audit --verify"
        ) from problem
    except (DBAPIError, PoolTimeout) as problem:
        raise store_fault(problem) from problem


def store_fault(problem: Exception) -> TheirFault:
    """Return what a database said as a fault with the next step."""
    cause = " ".join(str(getattr(problem, "orig", None) or problem).split())[:CAUSE_CHARS_MAX].rstrip(". ")
    for known in _TROUBLES:
        if known.words.search(cause):
            return TheirFault(known.code, f"{known.said}: {cause}.", known.hint)
    return TheirFault(
        "store_unavailable",
        f"The store cannot be used: {cause}.",
        "check free disk space and the database, then keelway doctor",
    )


def no_driver(name: str) -> YourFault:
    """Make the fault of an address whose driver is not installed."""
    return YourFault(
        "driver_missing",
        f"The store is on PostgreSQL, and the package {name} that speaks with it is not installed.",
        'pip install "keelway[postgres]"',
    )
