"""Copy a PostgreSQL database while it is written to, prove the copy, and put it back by an exchange of names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keelway.clients.backup.kind.postgres_admin import Server, failing
from keelway.clients.backup.kind.postgres_look import CopyOfPostgres, counted, tables
from keelway.clients.backup.kind.programs import postgres_program, told_by
from keelway.clients.backup.source import CopyFailed, Counted, Lent, Source, counted_wrong
from keelway.core.backup.backup import Loss, loss_by_change, loss_by_count

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Identifier

_LIST_BYTES_MAX = 8_000_000
_XID_WRAP = 2**32


class PostgresSource:
    """Be one database of a PostgreSQL server."""

    kind, suffix = "postgres", ".pgdump"
    keeps_old = True

    def __init__(self, address: str) -> None:
        self._address = address
        self._server = Server(address)

    def named(self) -> str:
        """Return the database and its server."""
        return self._server.named()

    def ready(self) -> None:
        """See that the programs are there and new enough, and that the role may make scratch databases."""
        for name in ("pg_dump", "pg_restore"):
            postgres_program(name)
        ours = told_by((postgres_program("pg_dump"), "--version"), {}, "asked").split()[2]
        with self._server.connection() as connection:
            theirs = _one(connection, "SELECT current_setting('server_version_num')::int / 10000")
            may = _one(
                connection, "SELECT (rolcreatedb OR rolsuper)::int FROM pg_roles WHERE rolname = current_user"
            )
        if int(ours.partition(".")[0]) < theirs:
            raise CopyFailed(f"pg_dump {ours} is older than the server, which is version {theirs}")
        if not may:
            raise CopyFailed("its role may not make the scratch database in which a backup is proven")

    def size_bytes(self) -> int:
        """Return the size of the database."""
        with self._server.connection() as connection:
            return _one(connection, "SELECT pg_database_size(current_database())")

    def copy(self, path: Path) -> Counted:
        """Dump the database and count its rows, both in one exported snapshot, while others write on."""
        with self._server.connection(transaction=True) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            snapshot, seen, oid = connection.execute(
                "SELECT pg_export_snapshot(), pg_current_snapshot()::text, oid::bigint FROM pg_database "
                "WHERE datname = current_database()"
            ).fetchone() or ("", "", 0)
            rows = counted(connection)
            self._run("pg_dump", "dumped", "--format=custom", f"--snapshot={snapshot}", f"--file={path}")
            return Counted(rows, f"{oid} {seen}")

    def check(self, path: Path, rows: dict[str, int]) -> str:
        """Read the list of what is in the dump."""
        argv = (postgres_program("pg_restore"), "--list", str(path))
        try:
            told = told_by(argv, {}, "listed", _LIST_BYTES_MAX)
        except CopyFailed as failure:
            return str(failure)
        held = sum(" TABLE DATA " in line for line in told.splitlines())
        return "" if held >= len(rows) else f"it holds the rows of {held} tables, {len(rows)} were counted"

    def prove(self, path: Path, rows: dict[str, int]) -> str:
        """Restore the dump into a scratch database of the same server and count its rows."""
        name = self._server.beside("try", path.name)
        try:
            return self._fill(name, path, rows)
        finally:
            self._server.drop(name)

    def rows(self) -> dict[str, int]:
        """Count the rows of every table now."""
        with self._server.connection(transaction=True) as connection:
            return counted(connection)

    def loss(self, path: Path, then: Counted) -> Loss:
        """Count what was written after the snapshot of the dump, by the transactions that wrote each row."""
        del path
        oid, _, snapshot = then.mark.partition(" ")
        with self._server.connection(transaction=True) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            now = counted(connection)
            here = _one(connection, "SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
            if not snapshot or str(here) != oid:  # it was restored since: every row is new to this database
                return loss_by_count(then.rows, now)
            old = {name: _seen(connection, table, snapshot) for name, table in tables(connection).items()}
        new = {name: count - old[name] for name, count in now.items()}
        gone = {table: count - old.get(table, 0) for table, count in then.rows.items()}
        return loss_by_change(new, {table: max(0, count) for table, count in gone.items()})

    def write_back(self, path: Path, rows: dict[str, int], name: str) -> None:
        """Restore the dump beside the database, prove it, and exchange the names: sessions have to connect again.

        What was there before stays on the server under another name and takes no connections.
        """
        server = self._server
        fresh, old = server.beside("new", name), server.beside("old", name)
        there = server.databases()
        if old in there and server.database in there and fresh not in there:
            return  # it was exchanged before, and only the record was lost
        if server.database in there:
            if wrong := self._fill(fresh, path, rows):
                server.drop(fresh)
                raise CopyFailed(wrong)
            server.dress(fresh)
        elif fresh not in there and (wrong := self._fill(fresh, path, rows)):
            raise CopyFailed(wrong)
        server.exchange(fresh, old)

    @contextmanager
    def lend(self, path: Path, folder: Path, name: str) -> Iterator[Lent]:
        """Restore the dump into a scratch database of the server."""
        del folder
        scratch = self._server.beside("lent", name)
        try:
            if wrong := self._fill(scratch, path, None):
                raise CopyFailed(wrong)
            there = self._server.address_of(scratch)
            yield Lent({self._address: there}, (CopyOfPostgres(self._server.at(scratch)),))
        finally:
            self._server.drop(scratch)

    def _fill(self, name: str, path: Path, rows: dict[str, int] | None) -> str:
        """Make a database from the dump; return "" or why its rows are not those that were counted."""
        self._server.create(name)
        try:
            self._run("pg_restore", "restored", "--exit-on-error", str(path), database=name)
        except CopyFailed as failure:
            return str(failure)
        if rows is None:
            return ""
        with self._server.at(name).connection() as connection:
            return counted_wrong(rows, counted(connection))

    def _run(self, program: str, what: str, *words: str, database: str = "") -> None:
        where, env = self._server.told(database)
        told_by((postgres_program(program), "--no-password", f"--dbname={where}", *words), env, what)


def _seen(connection: Connection[Any], table: Identifier, snapshot: str) -> int:
    """Count the rows of a table that were there, as they are, in a snapshot.

    A row carries 32 bits of the number of the transaction that wrote it; the rest is that of the
    newest transaction, or one less.
    """
    from psycopg import sql

    with failing():
        query = sql.SQL(
            "WITH top AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric AS xid), "
            "part AS (SELECT div(xid, {wrap}) * {wrap} AS base, xid FROM top) "
            "SELECT count(*) FROM {table} t, part WHERE pg_visible_in_snapshot("
            "(CASE WHEN base + t.xmin::text::numeric > xid THEN greatest(base - {wrap}, 0) ELSE base END "
            "+ t.xmin::text::numeric)::text::xid8, {snapshot}::pg_snapshot)"
        ).format(wrap=sql.Literal(_XID_WRAP), table=table, snapshot=sql.Literal(snapshot))
        found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _one(connection: Connection[Any], query: str) -> int:
    with failing():
        found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


_check: type[Source] = PostgresSource
