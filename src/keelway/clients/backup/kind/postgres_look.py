"""Read a restored PostgreSQL database: its schema, its contents, and which of its tables are locked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keelway.clients.backup.kind.postgres_admin import Server, failing
from keelway.clients.backup.kind.programs import postgres_program, told_by
from keelway.core.backup.likeness import Likeness

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Identifier

_SCHEMA_BYTES_MAX = 8_000_000
_POLL_SECONDS = 0.02
_LOCKS = (
    "SELECT n.nspname || '.' || c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE l.granted AND c.relkind IN ('r', 'p') "
    "AND n.nspname NOT LIKE 'pg\\_%' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
)
"""Tables that are locked against those who read, or who write."""


def tables(connection: Connection[Any]) -> dict[str, Identifier]:
    """Return every table by the name that people use; partitions belong to their table.

    Raises:
        CopyFailed: the database cannot be read.
    """
    from psycopg import sql

    with failing():
        found = connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' "
            "AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2"
        ).fetchall()
    return {
        (table if schema == "public" else f"{schema}.{table}"): sql.Identifier(schema, table)
        for schema, table in found
    }


def counted(connection: Connection[Any]) -> dict[str, int]:
    """Count the rows of every table.

    Raises:
        CopyFailed: the database cannot be read.
    """
    from psycopg import sql

    rows = {}
    with failing():
        for name, table in tables(connection).items():
            found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone()
            rows[name] = int(found[0]) if found else 0
    return rows


class CopyOfPostgres:
    """Be a scratch database."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def look(self) -> Likeness:
        """Read the schema as ``pg_dump`` writes it, and a digest of each table."""
        from psycopg import sql

        where, env = self._server.told()
        argv = (postgres_program("pg_dump"), "--no-password", "--schema-only", f"--dbname={where}")
        text = told_by(argv, env, "read", _SCHEMA_BYTES_MAX)
        with self._server.connection(transaction=True) as connection, failing():
            rows, sums = counted(connection), {}
            for name, table in tables(connection).items():
                query = sql.SQL("SELECT coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t").format(
                    table
                )
                found = connection.execute(query).fetchone()
                sums[name] = str(found[0]) if found else ""
        return Likeness(_statements(text), rows, sums)

    @contextmanager
    def locks(self) -> Iterator[dict[str, float]]:
        """Look many times a second who holds a lock that stops readers or writers of a table."""
        found: dict[str, float] = {}
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(found, over), name="lock-watch", daemon=True)
        watch.start()
        try:
            yield found
        finally:
            over.set()
            watch.join(10)

    def _watch(self, found: dict[str, float], over: threading.Event) -> None:
        began: dict[str, float] = {}
        with self._server.connection() as connection:
            while not over.wait(_POLL_SECONDS):
                now = time.monotonic()
                held = {str(row[0]) for row in connection.execute(_LOCKS).fetchall()}
                began = {table: began.get(table, now) for table in held}
                for table, since in began.items():
                    found[table] = max(found.get(table, 0.0), now - since)


def _statements(text: str) -> tuple[str, ...]:
    """Return the statements of a schema; what is said about the dump itself does not count."""
    lines = [
        line
        for line in text.splitlines()
        if line and not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog."))
    ]
    return tuple(one.strip() for one in "\n".join(lines).split(";\n") if one.strip())
