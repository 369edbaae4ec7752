"""Open the database of the durable engine with the settings it needs to survive a power cut."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy as sa

_UNIXEPOCH_SINCE = (3, 42, 0)


def _unixepoch(*_modifiers: str) -> float:
    return round(time.time(), 3)


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
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
