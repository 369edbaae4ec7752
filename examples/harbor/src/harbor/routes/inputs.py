"""Name what routes ask for: the database, and numbers that fit into it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

from fastapi import Depends, Request
from fastapi import Path as InPath

from harbor.db import connect


def _connection(request: Request) -> Iterator[sqlite3.Connection]:
    """Give each request a connection of its own, so that no thread waits for another."""
    with closing(connect(request.app.state.settings.db)) as connection:
        yield connection


Db = Annotated[sqlite3.Connection, Depends(_connection)]
RowNumber = Annotated[int, InPath(ge=1, le=2**63 - 1)]  # what SQLite can hold
