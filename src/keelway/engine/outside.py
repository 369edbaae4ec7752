"""Look after the engine's tables from a process that runs no story: versions, migrations, what has ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from dbos._migration import get_migration_versions, get_sqlite_migration_versions

from keelway.engine.run.database import is_sqlite, sqlite_engine
from keelway.engine.run.verbs import STORY

FORGET_BATCH = 200
"""Runs deleted in one transaction."""

ASK_BATCH = 500
_PLACE = "dbos"
"""Schema of the engine's tables on PostgreSQL."""

WORDS = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}
ENDED = [name for name, word in WORDS.items() if word in {"done", "failed", "cancelled"}]


@dataclass(frozen=True)
class Versions:
    """Compare the schema of the engine's tables with the one that the library wants."""

    found: int
    """0 when there are no tables yet."""
    needed: int


def versions(database_url: str) -> Versions:
    """Read the schema version of the engine's tables; nothing is altered.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be read.
    """
    with _opened(database_url) as database:
        if is_sqlite(database_url):
            return Versions(*get_sqlite_migration_versions(database))
        return Versions(*get_migration_versions(database, _PLACE, True))


def migrate(database_url: str) -> Versions:
    """Bring the engine's tables up to date, make them where there are none, and return what is there now.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be written.
    """
    found = versions(database_url)
    if found.found >= found.needed:
        return found
    DBOS.migrate(database_url, schema=_PLACE)
    return versions(database_url)


def statuses(database_url: str, runs: Collection[str]) -> dict[str, str]:
    """Return where runs stand, in the words of ``Runtime.status``, those without a record left out."""
    known: dict[str, str] = {}
    wanted = list(runs)
    with _client(database_url) as client:
        for start in range(0, len(wanted), ASK_BATCH) if client else ():
            names = wanted[start : start + ASK_BATCH]
            known |= {run.workflow_id: WORDS[run.status] for run in _list(client, workflow_ids=names)}
    return known


def ended(database_url: str, before: datetime, keep: Collection[str] = ()) -> int:
    """Count the stories that ``forget`` would delete."""
    with _client(database_url) as client:
        return 0 if client is None else sum(1 for _ in _over(client, before, keep))


def forget(database_url: str, before: datetime, keep: Collection[str] = ()) -> int:
    """Delete stories that ended before an instant, with their stages, and count them; those named stay."""
    with _client(database_url) as client:
        return 0 if client is None else forget_ended(client, before, keep)


def forget_ended(desk: Any, before: datetime, keep: Collection[str] = ()) -> int:
    """Do the same through ``DBOS`` or a client of it.

    A story that stays is passed over by its place, else the same page would come back for ever.
    """
    gone = stayed = 0
    while True:
        page = _page(desk, before, stayed)
        over = [run for run in page if run not in keep]
        if over:
            desk.delete_workflows(over, delete_children=True)
        gone, stayed = gone + len(over), stayed + len(page) - len(over)
        if len(page) < FORGET_BATCH:
            return gone


def _over(desk: Any, before: datetime, keep: Collection[str]) -> Iterator[str]:
    seen = 0
    while True:
        page = _page(desk, before, seen)
        yield from (run for run in page if run not in keep)
        seen += len(page)
        if len(page) < FORGET_BATCH:
            return


def _page(desk: Any, before: datetime, offset: int) -> list[str]:
    found = _list(
        desk,
        name=STORY,
        status=ENDED,
        completed_before=before.astimezone(UTC).isoformat(),
        limit=FORGET_BATCH,
        offset=offset,
    )
    return [run.workflow_id for run in found]


def _list(desk: Any, **wanted: Any) -> Sequence[Any]:
    ask: Callable[..., Sequence[Any]] = desk.list_workflows
    return ask(load_input=False, load_output=False, **wanted)


@contextmanager
def _opened(database_url: str) -> Iterator[sa.Engine]:
    sqlite = is_sqlite(database_url)
    database = sqlite_engine(database_url) if sqlite else sa.create_engine(database_url, pool_size=2)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _client(database_url: str) -> Iterator[Any]:
    """Hold a client, or nothing where the engine has never run."""
    if versions(database_url).found == 0:
        yield None
        return
    with _opened(database_url) as database:
        client = DBOSClient(
            system_database_engine=database,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
        )
        try:
            yield client
        finally:
            client.destroy()
