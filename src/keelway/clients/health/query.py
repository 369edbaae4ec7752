"""Put one question to a database that the question cannot alter, within a bound of time."""

from __future__ import annotations

import math
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from keelway.core.errors import TheirFault, YourFault

_STEPS = 1_000
"""Virtual machine instructions of SQLite between two looks at the clock."""


def first_row(database: str, query: str, seconds_max: float) -> tuple[Any, ...]:
    """Return the first row of an answer, empty when there is none.

    Args:
        database: path of an SQLite file, or address of a PostgreSQL database.
        query: one statement; one that would write is refused by the database itself.
        seconds_max: how long connecting and answering may take.

    Raises:
        TheirFault: there is no answer in time, or none at all (``query_failed``).
        YourFault: the driver is not installed (``driver_missing``).
    """
    if "://" in database:
        return _postgres(database, query, seconds_max)
    return _sqlite(Path(database), query, seconds_max)


def _sqlite(path: Path, query: str, seconds_max: float) -> tuple[Any, ...]:
    end = time.monotonic() + seconds_max
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=seconds_max, isolation_level=None
        )
        try:
            connection.execute("PRAGMA query_only = ON").close()
            connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
            row = connection.execute(query).fetchone()
        finally:
            connection.close()
    except (sqlite3.Error, sqlite3.Warning) as error:
        said = f"no answer within {seconds_max:g} s" if str(error) == "interrupted" else str(error)
        raise TheirFault("query_failed", f"{path.name} did not answer: {said}.") from error
    return tuple(row) if row else ()


def _postgres(address: str, query: str, seconds_max: float) -> tuple[Any, ...]:
    try:
        import psycopg
    except ImportError as error:
        raise YourFault(
            "driver_missing",
            "PostgreSQL cannot be asked: its driver is not installed.",
            'pip install "keelway[postgres]"',
        ) from error
    limit_ms = max(1, int(seconds_max * 1000))
    options = f"-c statement_timeout={limit_ms} -c default_transaction_read_only=on"
    try:
        with psycopg.connect(
            address.replace("postgresql+psycopg://", "postgresql://", 1),
            connect_timeout=max(2, math.ceil(seconds_max)),
            tcp_user_timeout=limit_ms,
            options=options,
            application_name="keelway probe",
        ) as connection:
            row = connection.execute(query.encode()).fetchone()
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TheirFault("query_failed", f"PostgreSQL did not answer: {said}.") from error
    return tuple(row) if row else ()
