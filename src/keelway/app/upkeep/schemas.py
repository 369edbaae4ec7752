"""Bring the tables of the book and of the engine up to date, or say how far behind they are."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from keelway.app.home import Home
from keelway.app.upkeep.store import Say, name_of
from keelway.core.errors import YourFault
from keelway.store.chain.journal import Journal
from keelway.store.database import VERSION, check_schema, open_database, schema_version, upgrade
from keelway.store.fault import reported


@dataclass(frozen=True)
class Schemas:
    """Compare the schemas in the database with those of this version."""

    store: str
    book: int
    """0 when there are no tables yet."""
    book_needed: int
    engine: int
    engine_needed: int

    @property
    def current(self) -> bool:
        """Tell whether nothing is behind."""
        return self.book >= self.book_needed and self.engine >= self.engine_needed


@dataclass(frozen=True)
class Upgraded:
    """State what an upgrade found and left."""

    before: Schemas
    after: Schemas
    dry_run: bool


def schemas(home: Home, database: Engine) -> Schemas:
    """Read both schema versions; nothing is altered.

    Raises:
        TheirFault: the database cannot be read.
    """
    from keelway.engine import outside

    with reported():
        engine = outside.versions(home.database_url)
    return Schemas(name_of(home), schema_version(database), VERSION, engine.found, engine.needed)


def bring_up(home: Home, say: Say, *, dry_run: bool = False) -> Upgraded:
    """Upgrade both schemas, the book first; repeating it after a crash finishes it.

    Raises:
        YourFault: the database is too new for this version, or the home cannot be used.
        TheirFault: the database cannot be reached or written.
    """
    from keelway.engine import outside

    if dry_run and not home.has_book:
        return _would_make(home)
    database = _open(home)
    try:
        before = schemas(home, database)
        if before.book > before.book_needed:
            check_schema(database)
        if dry_run:
            return Upgraded(before, before, dry_run=True)
        if before.book < before.book_needed:
            say(f"The book goes from schema {before.book} to {before.book_needed}.")
        upgrade(database)
        Journal(database, home.root)  # an empty chain has its witness from the beginning
        if before.engine < before.engine_needed:
            say(f"The engine goes from schema {before.engine} to {before.engine_needed}.")
        with reported():
            outside.migrate(home.database_url)
        return Upgraded(before, schemas(home, database), dry_run=False)
    finally:
        database.dispose()


def _open(home: Home) -> Engine:
    try:
        home.prepare()
    except OSError as error:
        raise YourFault(
            "home_unusable", f"{home.root} cannot be used: {error}.", "free space, or set KEELWAY_HOME"
        ) from error
    return open_database(home.database_url)


def _would_make(home: Home) -> Upgraded:
    """Ask an empty file elsewhere which schemas there would be: even looking would make this one."""
    with tempfile.TemporaryDirectory() as place:
        elsewhere = Home(Path(place))
        database = open_database(elsewhere.database_url)
        try:
            found = replace(schemas(elsewhere, database), store=name_of(home))
        finally:
            database.dispose()
    return Upgraded(found, found, dry_run=True)
