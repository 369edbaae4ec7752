"""Copy a SQLite database while it is written to, and write it back under open connections."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from keelway.clients.backup.source import CopyFailed, Counted, Lent, Source
from keelway.core.backup.backup import Loss, loss_by_change
from keelway.core.backup.likeness import Likeness

COPY_SECONDS_MAX = 600.0
"""How long one copy may take; a database that somebody keeps locked would else hold us for ever."""

_BUSY_SECONDS = 30.0
_DONE = 101
"""SQLITE_DONE of the C interface."""

_PROBLEMS_MAX = 5
_QUOTES = str.maketrans("", "", '"`[]')


class SqliteSource:
    """Be the database file of an environment."""

    kind, suffix = "sqlite", ".sqlite"
    keeps_old = False

    def __init__(self, path: Path, data: Path) -> None:
        self._path, self._data = path, data

    def named(self) -> str:
        """Return the path of the file."""
        return str(self._path)

    def ready(self) -> None:
        """Need nothing: Python brings it along."""

    def size_bytes(self) -> int | None:
        """Return the size of the file and of its write-ahead log."""
        if not self._path.is_file():
            return None
        wal = self._path.with_name(f"{self._path.name}-wal")
        return self._path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)

    def copy(self, path: Path) -> Counted:
        """Copy all pages in one step (many steps start again at every foreign write) and count the rows."""
        try:
            with (
                failing(),
                closing(_open(self._path, "mode=rw")) as source,
                closing(_open(path, "mode=rwc")) as copy,
            ):
                source.backup(copy, pages=-1, progress=_in_time())
                copy.execute("PRAGMA synchronous = FULL")
                copy.execute("PRAGMA journal_mode = DELETE")
                return Counted(_rows(copy))
        finally:
            for suffix in ("-journal", "-wal", "-shm"):
                path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)

    def check(self, path: Path, rows: dict[str, int]) -> str:
        """Check the file as a database and count its rows."""
        with failing(), closing(_open(path, "mode=ro&immutable=1")) as copy:
            wrong = _unsound(copy)
            return wrong or (
                "" if _rows(copy) == rows else "it holds other numbers of rows than were counted"
            )

    def prove(self, path: Path, rows: dict[str, int]) -> str:
        """Restore the copy into a scratch file by the way that a restore takes, and check that."""
        scratch = path.with_name(f"{path.name}.scratch")
        try:
            scratch.unlink(missing_ok=True)
            wrong = _write_back(path, scratch)
            return wrong or self.check(scratch, rows)
        finally:
            for suffix in ("", "-journal", "-wal", "-shm"):
                scratch.with_name(f"{scratch.name}{suffix}").unlink(missing_ok=True)

    def rows(self) -> dict[str, int]:
        """Count the rows of every table now."""
        with failing(), closing(_open(self._path, "mode=rw")) as connection:
            return _rows(connection)

    def loss(self, path: Path, then: Counted) -> Loss:
        """Compare the copy with the live database row by row, in the columns that both have."""
        if not self._path.is_file():
            return Loss(returning=then.rows)
        with failing(), closing(_open(self._path, "mode=rw")) as connection:
            connection.execute(
                "ATTACH DATABASE ? AS past", (f"{path.absolute().as_uri()}?mode=ro&immutable=1",)
            )
            now, past = _tables(connection), set(_tables(connection, "past"))
            new = {table: _minus(connection, table, past, "main", "past") for table in now}
            gone = {table: _minus(connection, table, set(now), "past", "main") for table in past}
            return loss_by_change(new, gone)

    def write_back(self, path: Path, rows: dict[str, int], name: str) -> None:
        """Write the copy over the live database page by page; open connections go on and see the old rows."""
        del rows, name
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if wrong := _write_back(path, self._path):
            raise CopyFailed(wrong)

    @contextmanager
    def lend(self, path: Path, folder: Path, name: str) -> Iterator[Lent]:
        """Write the copy to where it would lie if the folder were the data folder."""
        del name
        if not self._path.is_relative_to(self._data):
            raise CopyFailed(f"{self._path} does not lie in {self._data}, so no copy can stand in its place")
        place = folder / self._path.relative_to(self._data)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if wrong := _write_back(path, place):
            raise CopyFailed(wrong)
        yield Lent({str(self._data): str(folder)}, (_Copy(place),))


class _Copy:
    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self) -> Likeness:
        with failing(), closing(_open(self._path, "mode=rw")) as connection:
            schema = connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            ).fetchall()
            tables = _tables(connection)
            sums = {table: str(sum(_marks(connection, table)) % 2**64) for table in tables}
            version = _count(connection, "PRAGMA user_version")
            statements = (*(_plain(str(sql)) for (sql,) in schema), f"PRAGMA user_version = {version}")
            return Likeness(statements, _rows(connection), sums)

    @contextmanager
    def locks(self) -> Iterator[dict[str, float]]:
        """Watch nothing: SQLite locks the whole file, for as long as the migration takes at most."""
        yield {}


@contextmanager
def failing() -> Iterator[None]:
    """Turn what SQLite raises into what every source raises."""
    try:
        yield
    except sqlite3.Error as error:
        raise CopyFailed(str(error)) from error


def _plain(sql: str) -> str:
    """Return a definition without what a rebuilt table spells differently."""
    return " ".join(
        sql.translate(_QUOTES).replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
    )


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )


def _write_back(backup: Path, live: Path) -> str:
    with (
        failing(),
        closing(_open(backup, "mode=ro&immutable=1")) as source,
        closing(_open(live, "mode=rwc")) as target,
    ):
        source.backup(target, pages=-1, progress=_in_time())
        return _unsound(target)


def _in_time() -> Callable[[int, int, int], None]:
    """Return a progress call that ends a copy which waits too long for a lock."""
    deadline = time.monotonic() + COPY_SECONDS_MAX

    def check(status: int, _remaining: int, _total: int) -> None:
        if status != _DONE and time.monotonic() > deadline:
            raise sqlite3.OperationalError(f"it did not end within {COPY_SECONDS_MAX:g} s")

    return check


def _unsound(connection: sqlite3.Connection) -> str:
    """Return "" or what the database says against itself."""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_PROBLEMS_MAX})")]
    if found != ["ok"]:
        return f"the integrity check says {'; '.join(found)}"
    loose = connection.execute("PRAGMA foreign_key_check").fetchmany(_PROBLEMS_MAX)
    if loose:
        return f"rows of {', '.join(sorted({str(row[0]) for row in loose}))} refer to rows that are not there"
    return ""


def _tables(connection: sqlite3.Connection, of: str = "main") -> list[str]:
    tables = connection.execute(
        f"SELECT name FROM {of}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "  # noqa: S608
        "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    ).fetchall()
    return [str(name) for (name,) in tables]


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    return {
        table: _count(connection, f"SELECT COUNT(*) FROM {_quoted(table)}")  # noqa: S608
        for table in _tables(connection)
    }


def _count(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _minus(connection: sqlite3.Connection, table: str, others: set[str], one: str, other: str) -> int:
    """Count the rows of a table in one database that are not in the other."""
    here, name = _columns(connection, table, one), _quoted(table)
    if table not in others:
        return _count(connection, f"SELECT COUNT(*) FROM {one}.{name}")  # noqa: S608
    both = [column for column in here if column in set(_columns(connection, table, other))]
    if not both:
        return _count(connection, f"SELECT COUNT(*) FROM {one}.{name}")  # noqa: S608
    listed = ", ".join(_quoted(column) for column in both)
    inner = f"SELECT {listed} FROM {one}.{name} EXCEPT SELECT {listed} FROM {other}.{name}"  # noqa: S608
    return _count(connection, f"SELECT COUNT(*) FROM ({inner})")  # noqa: S608


def _columns(connection: sqlite3.Connection, table: str, of: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA {of}.table_info({_quoted(table)})")]


def _marks(connection: sqlite3.Connection, table: str) -> Iterator[int]:
    for row in connection.execute(f"SELECT * FROM {_quoted(table)}"):  # noqa: S608
        yield int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest())


def _quoted(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'


_check: type[Source] = SqliteSource
