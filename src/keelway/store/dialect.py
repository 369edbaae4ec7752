"""Everything that differs between SQLite and PostgreSQL; but for the copies in ``store.upkeep`` nothing else knows.

SQLite: write-ahead log, ``synchronous=FULL`` and ``BEGIN IMMEDIATE`` for writers, so that a transaction
that must write never fails half-way because another one was faster.

PostgreSQL: a connection is tried before it is used again, so that a server that was restarted is no fault;
the server ends a transaction whose process is frozen, since all writers wait behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DatabaseError

from keelway.clients.sqlite import use_wal

WRITE = {"keel_write": True}
"""Execution options of a connection whose next transaction writes."""

BUSY_MILLISECONDS = 30_000
"""How long a writer waits for the others."""

SILENT_MILLISECONDS = 5_000
"""How long one that was frozen inside a transaction may hold the others up, on PostgreSQL: nothing of ours thinks there."""

CONNECT_SECONDS = 10

_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_INTERVAL = re.compile(r"NOW\(\)\s*-\s*INTERVAL\s*('[^']*')", re.IGNORECASE)
_CAST = re.compile(r"\b(\w+)::int(?:eger)?\b", re.IGNORECASE)


def settings(drivername: str) -> dict[str, Any]:
    """Return the arguments of ``create_engine`` beyond the common ones."""
    if not drivername.startswith("postgresql"):
        return {}
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}


def prepare(engine: Engine) -> Engine:
    """Teach an engine the habits of the store and return it."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _open_postgresql)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _open_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "before_cursor_execute", _translate, retval=True)
    return engine


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Hold a connection that sees one state of the database, whatever is written meanwhile."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def lock_schema(connection: Connection) -> None:
    """Let one process at a time change the schema (SQLite: the writer's lock already does)."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(5276071)"))


def unsound(connection: Connection) -> tuple[str, ...]:
    """Let the database look for damage and return what it found."""
    if connection.dialect.name == "sqlite":
        return tuple(_damage(connection))
    invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid LIMIT 10"
    return tuple(f"the index {row[0]} is not valid" for row in connection.exec_driver_sql(invalid))


def _damage(connection: Connection) -> Iterator[str]:
    try:
        for row in connection.exec_driver_sql("PRAGMA integrity_check(10)"):
            if row[0] != "ok":
                yield " ".join(str(row[0]).split())
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(10):
            yield f"row {row[1]} of {row[0]} names a row of {row[2]} that is not there"
    except DatabaseError as problem:  # the looking itself stumbles over bad damage
        yield str(problem.orig)


def database_bytes(connection: Connection) -> int:
    """Return how much room the database takes."""
    if connection.dialect.name == "sqlite":
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
        )
        return int(pages) * int(size)
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def shrink(engine: Engine) -> None:
    """Give the room of removed rows back, on SQLite to the disk; writers wait meanwhile."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            # No transaction may be open, and on our connections none is until one is begun.
            raw: Any = connection.connection.driver_connection
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                raw.execute(statement).close()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")


def append_only(dialect: str, table: str) -> tuple[str, ...]:
    """Return the statements that make a table refuse every UPDATE and DELETE."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        )
    body = f"BEGIN RAISE EXCEPTION '{table} is append-only'; END"
    when = "BEFORE UPDATE OR DELETE OR TRUNCATE"
    return (
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER {table}_guard {when} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    )


def writable_view(dialect: str, view: str, table: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the statements that let SQLite insert into and update a plain view (PostgreSQL just can)."""
    if dialect != "sqlite":
        return ()
    names = ", ".join(columns)
    values = ", ".join(f"NEW.{name}" for name in columns)
    pairs = ", ".join(f"{name} = NEW.{name}" for name in columns)
    insert = f"INSERT INTO {table} ({names}) VALUES ({values})"  # noqa: S608 - names of our own tables
    update = f"UPDATE {table} SET {pairs} WHERE {columns[0]} = OLD.{columns[0]}"  # noqa: S608 - as above
    return (
        f"CREATE TRIGGER {view}_insert INSTEAD OF INSERT ON {view} BEGIN {insert}; END",
        f"CREATE TRIGGER {view}_update INSTEAD OF UPDATE ON {view} BEGIN {update}; END",
    )


def translate(statement: str) -> str:
    """Rewrite ``NOW() - INTERVAL '...'`` and ``column::int`` for SQLite; leave everything else alone."""
    if "INTERVAL" in statement.upper():
        statement = _INTERVAL.sub(r"now_minus(\1)", statement)
    if "::" in statement:
        statement = _CAST.sub(r"CAST(\1 AS INTEGER)", statement)
    return statement


def seconds_of(interval: str) -> float:
    """Return the seconds of an interval such as ``1 hour`` or ``5 minutes``.

    Raises:
        ValueError: it is not one number and one unit from second to week.
    """
    words = interval.split()
    unit = words[1].rstrip("s").lower() if len(words) == 2 else ""  # noqa: PLR2004
    if unit not in _UNITS:
        raise ValueError(f"not an interval: {interval!r}")
    return float(words[0]) * _UNITS[unit]


def _open_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.create_function("now", 0, lambda: _sqlite_text(datetime.now(UTC)))
    connection.create_function("now_minus", 1, _now_minus)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    use_wal(connection, BUSY_MILLISECONDS / 1_000)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _open_postgresql(connection: Any, _record: Any) -> None:
    # Not as options of the connection: poolers between us and the server refuse those.
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {BUSY_MILLISECONDS}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {SILENT_MILLISECONDS}")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("keel_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _translate(*args: Any) -> tuple[str, Any]:
    _connection, _cursor, statement, parameters, _context, _many = args
    return translate(statement), parameters


def _now_minus(interval: str) -> str:
    return _sqlite_text(datetime.now(UTC) - timedelta(seconds=seconds_of(interval)))


def _sqlite_text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")
