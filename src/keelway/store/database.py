"""Open the database, bring its schema up to date and refuse one that is too new for this code."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from keelway.core.errors import YourFault
from keelway.store.dialect import WRITE, lock_schema, prepare, settings
from keelway.store.fault import no_driver, reported
from keelway.store.lesson.search import make_index
from keelway.store.tables import COUNTERS
from keelway.store.tables.views import create_views, drop_views

VERSION = 6
"""Schema version of this code: the number of the last migration."""

VERSION_TABLE = "keel_schema"
COMPATIBLE_FROM = "schema_compatible_from"
"""Counter that a migration raises to its own number when older code must not use the result."""

_SCHEMES = ("sqlite", "postgresql+psycopg")


def open_database(url: str) -> Engine:
    """Return an engine for ``sqlite:///file`` or ``postgresql+psycopg://...``; nothing is read yet.

    Raises:
        YourFault: the address is not one of these, or the driver for it is not installed.
    """
    try:
        address = make_url(url)
    except ArgumentError as problem:
        raise _bad_address(url) from problem
    if address.drivername not in _SCHEMES:
        raise _bad_address(address.render_as_string(hide_password=True))
    if address.drivername == "sqlite":
        if not address.database or address.database == ":memory:":
            raise _bad_address("an SQLite address without a file")
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(
            address, pool_size=5, max_overflow=25, pool_timeout=30, **settings(address.drivername)
        )
    except ModuleNotFoundError as problem:
        raise no_driver(problem.name or "psycopg") from problem
    return prepare(engine)


def schema_version(engine: Engine) -> int:
    """Return the number of the last migration that ran, 0 for an empty database."""
    with reported(), engine.connect() as connection:
        return _version(connection)


def upgrade(engine: Engine) -> int:
    """Bring the schema up to date and return its version; safe when several processes do it at once.

    A newer schema that still serves this code is left as it is.

    Raises:
        YourFault: the database is too new for this code.
        TheirFault: the database cannot be reached or read.
    """
    with reported(), engine.connect().execution_options(**WRITE) as connection, connection.begin():
        lock_schema(connection)
        found = _version(connection)
        _refuse_newer(connection, found)
        if found > VERSION:
            return found
        # SQLite rebuilds a table to alter it, and a view that names the table would stop that.
        drop_views(connection)
        if found < VERSION:
            command.upgrade(_config(connection), "head")
        create_views(connection)
        make_index(connection)
        return VERSION


def check_schema(engine: Engine) -> None:
    """Refuse a database that this code cannot use.

    Raises:
        YourFault: it is too new, or it was never brought up to date.
    """
    with reported(), engine.connect() as connection:
        found = _version(connection)
        _refuse_newer(connection, found)
    if found < VERSION:
        raise YourFault(
            "database_too_old",
            f"The database has schema {found}, this version of Keelway needs {VERSION}.",
            "keelway db upgrade",
        )


def _version(connection: Connection) -> int:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return int(context.get_current_revision() or 0)


def _refuse_newer(connection: Connection, found: int) -> None:
    if found <= VERSION or not inspect(connection).has_table(COUNTERS.name):
        return
    query = select(COUNTERS.c.value).where(COUNTERS.c.name == COMPATIBLE_FROM)
    needed = connection.execute(query).scalar()
    if needed is None or needed > VERSION:
        raise YourFault(
            "database_too_new",
            f"The database has schema {found}, made by a newer Keelway; this version knows {VERSION}.",
            "install the newer Keelway again, or restore the backup from before the upgrade",
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _bad_address(what: str) -> YourFault:
    return YourFault(
        "bad_database_url",
        f"The store cannot be opened: {what}.",
        "use sqlite:////absolute/path/keelway.sqlite or postgresql+psycopg://user@host/name",
    )
