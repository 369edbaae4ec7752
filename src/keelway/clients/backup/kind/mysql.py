"""Copy a MySQL or MariaDB database by its own programs, prove the copy, and load it back in place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from keelway.clients.backup.kind.programs import mysql_program, told_by
from keelway.clients.backup.source import CopyFailed, Counted, Lent, Source, counted_wrong
from keelway.core.backup.backup import Loss, loss_by_count
from keelway.core.backup.likeness import Likeness
from keelway.core.errors import YourFault

_LIST_BYTES_MAX = 8_000_000
_KEPT_CHARS = 30
_TAIL_BYTES = 200
_ENDED = b"-- Dump completed"
_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
    "AND table_type = 'BASE TABLE' ORDER BY table_name"
)
_VIEWS = "SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE()"
_ROUTINES = (
    "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()"
)
_SIZE = "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"


@dataclass(frozen=True)
class Place:
    """Say how a database is reached."""

    address: str
    database: str
    options: tuple[str, ...]
    password: str

    @property
    def env(self) -> dict[str, str]:
        """Return the environment with what nobody may see in a list of processes."""
        return {"MYSQL_PWD": self.password} if self.password else {}


class MysqlSource:
    """Be one database of a MySQL or MariaDB server; its tables have to be InnoDB to be copied in one state."""

    kind, suffix = "mysql", ".sql"
    keeps_old = False

    def __init__(self, address: str) -> None:
        self.place = _place(address)

    def named(self) -> str:
        """Return the database."""
        return f"the database {self.place.database}"

    def ready(self) -> None:
        """See that the programs are there, and that scratch databases can be made."""
        mysql_program("mariadb-dump", "mysqldump")
        name = f"{self.place.database[:_KEPT_CHARS]}_keelway_ready"
        self._ask(f"CREATE DATABASE IF NOT EXISTS {_quoted(name)}; DROP DATABASE {_quoted(name)}")

    def size_bytes(self) -> int:
        """Return the size of the tables."""
        return int(self._ask(_SIZE)[0][0])

    def copy(self, path: Path) -> Counted:
        """Dump the database in one transaction, and count what the dump holds by loading it.

        Raises:
            CopyFailed: a table cannot be read in a transaction, or the dump did not come to its end.
        """
        loose = self._ask(f"{_TABLES.partition(' ORDER')[0]} AND engine <> 'InnoDB'")
        if loose:
            raise CopyFailed(
                f"{', '.join(row[0] for row in loose[:5])}: only InnoDB tables can be copied in one consistent state"
            )
        words = (
            "--single-transaction",
            "--routines",
            "--events",
            "--triggers",
            "--skip-lock-tables",
            "--hex-blob",
        )
        program = mysql_program("mariadb-dump", "mysqldump")
        argv = (program, *self.place.options, *words, f"--result-file={path}", self.place.database)
        told_by(argv, self.place.env, "dumped")
        with self._loaded(path, "count", path.name) as scratch:
            return Counted(scratch.rows())

    def check(self, path: Path, rows: dict[str, int]) -> str:
        """Look for the end of the dump."""
        del rows
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return "" if _ENDED in stream.read() else "the dump has no end"

    def prove(self, path: Path, rows: dict[str, int]) -> str:
        """Load the dump into a scratch database of the same server and count its rows."""
        if wrong := self.check(path, rows):
            return wrong
        with self._loaded(path, "try", path.name) as scratch:
            return counted_wrong(rows, scratch.rows())

    def rows(self) -> dict[str, int]:
        """Count the rows of every table now."""
        tables = [row[0] for row in self._ask(_TABLES)]
        if not tables:
            return {}
        parts = [f"SELECT {_text(table)}, COUNT(*) FROM {_quoted(table)}" for table in tables]  # noqa: S608
        return {table: int(count) for table, count in self._ask(" UNION ALL ".join(parts))}

    def loss(self, path: Path, then: Counted) -> Loss:
        """Count how many rows there are more; which were altered cannot be told."""
        del path
        return loss_by_count(then.rows, self.rows())

    def write_back(self, path: Path, rows: dict[str, int], name: str) -> None:
        """Remove every table, view and routine, load the dump, and count the rows; open connections go on.

        This is not done in one step; what was there was dumped before.
        """
        del name
        self._empty()
        self.load(path)
        if wrong := counted_wrong(rows, self.rows()):
            raise CopyFailed(wrong)

    @contextmanager
    def lend(self, path: Path, folder: Path, name: str) -> Iterator[Lent]:
        """Load the dump into a scratch database of the server."""
        del folder
        with self._loaded(path, "lent", name) as scratch:
            yield Lent({self.place.address: scratch.place.address}, (scratch,))

    def look(self) -> Likeness:
        """Read the schema as the dump program writes it, and a checksum of each table."""
        words = (
            "--no-data",
            "--routines",
            "--events",
            "--skip-comments",
            "--skip-add-drop-table",
            "--compact",
        )
        program = mysql_program("mariadb-dump", "mysqldump")
        argv = (program, *self.place.options, *words, self.place.database)
        text = _COUNTER.sub("", told_by(argv, self.place.env, "read", _LIST_BYTES_MAX))
        rows = self.rows()
        sums = self._ask(f"CHECKSUM TABLE {', '.join(map(_quoted, rows))}") if rows else []
        statements = tuple(
            one.strip() for one in text.split(";\n") if one.strip() and not one.startswith("/*!")
        )
        return Likeness(statements, rows, {name.partition(".")[2]: value for name, value in sums})

    @contextmanager
    def locks(self) -> Iterator[dict[str, float]]:
        """Watch nothing: the server does not tell everybody who waits for whom."""
        yield {}

    @contextmanager
    def _loaded(self, path: Path, what: str, mark: str) -> Iterator[MysqlSource]:
        """Load a dump into a database beside ours, and drop it at the end."""
        digest = hashlib.sha256(mark.encode()).hexdigest()[:10]
        name = f"{self.place.database[:_KEPT_CHARS]}_keelway_{what}_{digest}"
        scratch = MysqlSource(_with_database(self.place.address, name))
        try:
            self._ask(f"DROP DATABASE IF EXISTS {_quoted(name)}; CREATE DATABASE {_quoted(name)}")
            scratch.load(path)
            yield scratch
        finally:
            with suppress(CopyFailed):
                self._ask(f"DROP DATABASE IF EXISTS {_quoted(name)}")

    def _empty(self) -> None:
        drops = [f"DROP VIEW IF EXISTS {_quoted(row[0])}" for row in self._ask(_VIEWS)]
        drops += [f"DROP TABLE IF EXISTS {_quoted(row[0])}" for row in self._ask(_TABLES)]
        drops += [f"DROP {kind} IF EXISTS {_quoted(name)}" for kind, name in self._ask(_ROUTINES)]
        self._ask("; ".join(["SET FOREIGN_KEY_CHECKS = 0", *drops]))

    def load(self, path: Path) -> None:
        """Run a dump.

        Raises:
            CopyFailed: the server said no.
        """
        if any(char in str(path) for char in "\n;'\"\\"):
            raise CopyFailed(f"{path} has characters that the client cannot be told")
        self._ask(f"source {path}")

    def _ask(self, statement: str) -> list[list[str]]:
        program = mysql_program("mariadb", "mysql")
        argv = (program, *self.place.options, "--batch", "--skip-column-names", "--raw")
        told = told_by(
            (*argv, f"--execute={statement}", self.place.database), self.place.env, "asked", _LIST_BYTES_MAX
        )
        return [line.split("\t") for line in told.splitlines()]


def _place(address: str) -> Place:
    """Read an address such as ``mysql://user:password@host:3306/name?unix_socket=/path``."""
    parts = urlsplit(address)
    database = unquote(parts.path.strip("/"))
    if not database or not parts.scheme:
        raise YourFault(
            "bad_address",
            "The address of the MySQL database names no database.",
            "write it as mysql://user:password@host:3306/name",
        )
    query = parse_qs(parts.query)
    socket = (query.get("unix_socket") or query.get("socket") or [""])[0]
    options = ["--no-defaults"]
    options += (
        [f"--socket={socket}"] if socket else [f"--host={parts.hostname or '127.0.0.1'}", "--protocol=TCP"]
    )
    options += [f"--port={parts.port}"] if parts.port and not socket else []
    options += [f"--user={unquote(parts.username)}"] if parts.username else []
    return Place(address, database, tuple(options), unquote(parts.password or ""))


def _with_database(address: str, name: str) -> str:
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


_check: type[Source] = MysqlSource
