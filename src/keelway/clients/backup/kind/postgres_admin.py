"""Make, dress, exchange and drop databases of a PostgreSQL server beside the one that is backed up."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from keelway.clients.backup.source import CopyFailed
from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

_CONNECT_SECONDS = 10
_GONE_SECONDS = 20.0
"""How long sessions that were told to end may take."""

_KEPT_CHARS = 30
_LISTS = frozenset(
    {"search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces"}
)
"""Settings whose value is a list that must not be quoted as one word."""


class Server:
    """Be a PostgreSQL server and one database of it."""

    def __init__(self, address: str, database: str = "") -> None:
        self._address = address
        self._words = _words(address)
        self._named = database

    @property
    def database(self) -> str:
        """Return the name of the database."""
        return self._named or str(self._words["dbname"])

    def named(self) -> str:
        """Return the database and its server, without a password."""
        return f"the database {self.database} on {self._words.get('host') or 'this machine'}"

    def at(self, database: str) -> Server:
        """Return the same server with another database."""
        return Server(self._address, database)

    def address_of(self, database: str) -> str:
        """Return the address in its own form, with another database in it."""
        from psycopg.conninfo import make_conninfo

        if "://" in self._address:
            parts = urlsplit(self._address)
            return urlunsplit(parts._replace(path=f"/{database}"))
        return make_conninfo(self._address, dbname=database)

    def told(self, database: str = "") -> tuple[str, dict[str, str]]:
        """Return the connection as libpq reads it, and the environment with what nobody may see in a list."""
        from psycopg.conninfo import make_conninfo

        words = {**self._words, "dbname": database or self.database}
        password = words.pop("password", "")
        return make_conninfo("", **words), {"PGPASSWORD": str(password)} if password else {}

    def beside(self, what: str, mark: str) -> str:
        """Return a name for a database beside the one that is backed up."""
        digest = hashlib.sha256(mark.encode()).hexdigest()[:10]
        return f"{str(self._words['dbname'])[:_KEPT_CHARS]}_keelway_{what}_{digest}"

    @contextmanager
    def connection(self, *, transaction: bool = False) -> Iterator[Connection[Any]]:
        """Connect to the database; with ``transaction`` everything happens in one, which only reads."""
        import psycopg

        words = {"connect_timeout": _CONNECT_SECONDS, **self._words, "dbname": self.database}
        with failing(), psycopg.connect("", autocommit=not transaction, **words) as connection:
            yield connection
            if transaction:
                connection.rollback()

    def databases(self) -> frozenset[str]:
        """Return the names of all databases of the server."""
        with self._aside() as connection:
            return frozenset(str(row[0]) for row in connection.execute("SELECT datname FROM pg_database"))

    def create(self, name: str) -> None:
        """Make an empty database of the same kind as ours; one of that name is dropped first."""
        from psycopg import sql

        self.drop(name)
        with self._aside() as connection:
            like = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s",
                (self._words["dbname"],),
            ).fetchone()
            made = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
            if like is not None:
                made += sql.SQL(" ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(*map(sql.Literal, like))
            connection.execute(made)

    def drop(self, name: str) -> None:
        """Drop a database that we made, whoever uses it."""
        from psycopg import sql

        if "_keelway_" not in name:
            raise CopyFailed(f"{name} is no database of ours")
        with self._aside() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def dress(self, name: str) -> None:
        """Give a fresh database the owner, the rights and the settings of ours, which no dump carries."""
        from psycopg import sql

        ours, fresh = str(self._words["dbname"]), sql.Identifier(name)
        with self._aside() as connection:
            owner = connection.execute(
                "SELECT pg_get_userbyid(datdba), datacl IS NOT NULL, oid FROM pg_database WHERE datname = %s",
                (ours,),
            ).fetchone()
            if owner is None:
                return
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(fresh, sql.Identifier(owner[0]))
            )
            if owner[1]:
                self._grant(connection, ours, fresh)
            settings = connection.execute(
                "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = %s AND setrole = 0",
                (owner[2],),
            ).fetchall()
            for (setting,) in settings:
                key, _, value = str(setting).partition("=")
                said = sql.SQL(value) if key in _LISTS else sql.Literal(value)
                connection.execute(
                    sql.SQL("ALTER DATABASE {} SET {} TO {}").format(fresh, sql.Identifier(key), said)
                )

    def exchange(self, fresh: str, old: str) -> None:
        """Give a fresh database the name of ours, which is kept under another; sessions are ended.

        Between the two renames there is no database of our name for some milliseconds; a crash there
        is mended by doing it again.
        """
        from psycopg import sql

        ours = str(self._words["dbname"])
        named, fresh_named = sql.Identifier(ours), sql.Identifier(fresh)
        with self._aside() as connection:
            if ours in self.databases():
                connection.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(named))
                try:
                    _end_sessions(connection, ours)
                    connection.execute(
                        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(named, sql.Identifier(old))
                    )
                except BaseException:
                    connection.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(named))
                    raise
            _end_sessions(connection, fresh)
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(fresh_named, named))

    @staticmethod
    def _grant(connection: Connection[Any], ours: str, fresh: Composed | Any) -> None:
        from psycopg import sql

        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(fresh))
        rights = connection.execute(
            "SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, a.privilege_type "
            "FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = %s",
            (ours,),
        ).fetchall()
        for role, right in rights:
            who = sql.SQL("PUBLIC") if role is None else sql.Identifier(role)
            connection.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(right), fresh, who))

    @contextmanager
    def _aside(self) -> Iterator[Connection[Any]]:
        """Connect to a database of the server that is none of the application's."""
        with self.at("postgres").connection() as connection:
            yield connection


@contextmanager
def failing() -> Iterator[None]:
    """Turn what the driver raises into what every source raises.

    Raises:
        CopyFailed: the server said no, or is not there.
        YourFault: the driver is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise YourFault(
            "program_missing",
            "The driver for PostgreSQL is not installed.",
            "pip install 'keelway[postgres]'",
        ) from error
    try:
        yield
    except psycopg.Error as error:
        raise CopyFailed(" ".join(str(error).split())) from error


def _words(address: str) -> dict[str, Any]:
    from psycopg.conninfo import conninfo_to_dict

    with failing():
        scheme, mark, rest = address.partition("://")
        plain = f"{scheme.partition('+')[0]}{mark}{rest}" if mark else address
        words = {name: value for name, value in conninfo_to_dict(plain).items() if value is not None}
    if not words.get("dbname"):
        raise YourFault(
            "bad_address",
            "The address of the PostgreSQL database names no database.",
            "correct [data] postgres",
        )
    return words


def _end_sessions(connection: Connection[Any], database: str) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while True:
        left = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            (database,),
        ).fetchone()
        if left is None or not left[0]:
            return
        if time.monotonic() > deadline:
            raise CopyFailed(f"{left[0]} sessions of {database} do not end")
        time.sleep(0.05)
