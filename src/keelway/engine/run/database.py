"""Open the database of the durable engine with the settings it needs to survive a power cut."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from keelway.clients.sqlite import use_wal
from keelway.engine.fault import already_running

GUARD_SECONDS = 2.0
"""How long the database may need to notice that the process before has ended."""

BUSY_MILLISECONDS = 30_000
"""How long a writer waits for the others."""

_GUARD = 5_276_072
_UNIXEPOCH_SINCE = (3, 42, 0)


def _unixepoch(*_modifiers: str) -> float:
    return round(time.time(), 3)


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    use_wal(connection, BUSY_MILLISECONDS / 1_000)
    for pragma in (f"busy_timeout={BUSY_MILLISECONDS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    if sqlite3.sqlite_version_info < _UNIXEPOCH_SINCE:
        # dbos asks for unixepoch('subsec'), which older SQLite answers with NULL.
        connection.create_function("unixepoch", -1, _unixepoch)


def is_sqlite(database_url: str) -> bool:
    """Say whether the address names an SQLite file."""
    return sa.make_url(database_url).get_backend_name() == "sqlite"


def sqlite_engine(database_url: str) -> sa.Engine:
    """Open an SQLite file for many threads: write-ahead log, full sync, patient writers."""
    engine = sa.create_engine(database_url, pool_size=20, max_overflow=20, pool_timeout=30)
    sa.event.listen(engine, "connect", _prepare)
    return engine


class Guard:
    """Keep an engine that works alone and a crew from working on one PostgreSQL database.

    The database gives the guard up when its connection ends, so a killed process does not keep it.
    """

    def __init__(self, database_url: str, *, alone: bool) -> None:
        """Take the guard, for oneself only or together with other workers.

        Raises:
            YourFault: somebody works alone there, or is there when this one wants to work alone.
        """
        self._database = sa.create_engine(database_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self._connection = self._database.connect()
        verb = "pg_try_advisory_lock" if alone else "pg_try_advisory_lock_shared"
        deadline = time.monotonic() + GUARD_SECONDS
        while not self._connection.scalar(sa.text(f"SELECT {verb}({_GUARD})")):
            if time.monotonic() > deadline:
                self._connection.close()
                raise already_running(sa.make_url(database_url).render_as_string(hide_password=True))
            time.sleep(0.1)

    def close(self) -> None:
        """Let others in."""
        with suppress(sa.exc.SQLAlchemyError):
            self._connection.close()
