"""Open the store of a project for a piece of upkeep, and name it without its password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from keelway.app.home import Home
from keelway.core.errors import YourFault
from keelway.store.database import open_database

Say = Callable[[str], None]
"""Tell a person about progress, in one line."""


def name_of(home: Home) -> str:
    """Return the address of the store as people may see it."""
    return str(make_url(home.database_url).render_as_string(hide_password=True))


@contextmanager
def opened(home: Home) -> Iterator[Engine]:
    """Hold the database of a store that is there.

    Raises:
        YourFault: nothing has run for this project yet.
    """
    if not home.has_book:
        raise YourFault("nothing_yet", "Nothing has run for this project yet.", "keelway up")
    database = open_database(home.database_url)
    try:
        yield database
    finally:
        database.dispose()


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)
