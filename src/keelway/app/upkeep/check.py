"""Look the whole store over and name everything that is wrong with the next command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.upkeep.schemas import Schemas, schemas
from keelway.app.upkeep.store import Say, opened, utc_now
from keelway.core.errors import KeelwayError
from keelway.store.chain.audit import Report, verify
from keelway.store.chain.journal import Journal
from keelway.store.depot.choose import open_depot
from keelway.store.fault import reported
from keelway.store.tables import BLOBS
from keelway.store.upkeep.claim import Claim, Last
from keelway.store.upkeep.survey import Stuck, Survey, open_tasks, stuck, survey

SETTLE_SECONDS = 900.0
"""A row may contradict the end of its task for so long: a report is being written."""
LOST_SHOWN = 10
WITNESS = ("audit.head", "audit.head.lock")
RESTORE = (
    "keelway down --server-only, then put the last sound backup back; keelway db backup --dry-run shows how"
)


@dataclass(frozen=True)
class StoreCheck:
    """State everything that a look over the store found."""

    ok: bool
    schemas: Schemas
    survey: Survey | None
    """``None`` when the schema has to be brought up to date first."""
    audit: Report | None
    """``None`` when the database is behind or damaged, so that the chain was not walked."""
    artefacts: int
    artefact_bytes: int
    stuck: tuple[Stuck, ...]
    problems: tuple[str, ...]
    """Every reason why it is not ok, in one sentence each."""
    next: str
    last_upkeep: Last | None


def check(config: Config, home: Home, say: Say, now: datetime | None = None) -> StoreCheck:
    """Look at schemas, soundness, audit chain, artefacts and stuck rows; nothing is altered.

    Raises:
        YourFault: nothing has run yet.
        TheirFault: the database cannot be read at all.
    """
    now = now or utc_now()
    with opened(home) as database:
        found = schemas(home, database)
        if found.book < found.book_needed:
            behind = f"The book has schema {found.book} of {found.book_needed}."
            return StoreCheck(False, found, None, None, 0, 0, (), (behind,), "keelway db upgrade", None)
        say("Looking for damage.")
        seen = survey(database)
        if seen.problems:
            return StoreCheck(False, found, seen, None, 0, 0, (), seen.problems, RESTORE, None)
        say("Walking the audit chain.")
        audit = verify(database, home.root if _has_witness(home) else None)
        say("Comparing artefacts and stories with their rows.")
        count, size, lost = _artefacts(config, home, database)
        stopped = (*stuck(database, now - timedelta(seconds=SETTLE_SECONDS)), *_stories(home, database))
        problems = (*_behind(found), *(() if audit.ok else (audit.sentence,)), *lost)
        last = Claim(Journal(database, home.root)).last()
    told = (*problems, *(f"{row.what}: {row.sentence}" for row in stopped))
    cure = "" if not told else _next(found, audit, stopped)
    return StoreCheck(not told, found, seen, audit, count, size, stopped, told, cure, last)


def _has_witness(home: Home) -> bool:
    """Tell whether there must be a witness: not in a home that has never written to a store of many hosts."""
    return not home.store_url or any((home.root / name).exists() for name in WITNESS)


def _behind(found: Schemas) -> tuple[str, ...]:
    if found.engine >= found.engine_needed:
        return ()
    return (f"The engine has schema {found.engine} of {found.engine_needed}.",)


def _next(found: Schemas, audit: Report, stopped: tuple[Stuck, ...]) -> str:
    if found.engine < found.engine_needed:
        return "keelway db upgrade"
    if not audit.ok:
        return "keelway audit --verify"
    return stopped[0].next if stopped else "restore the lost artefacts from a backup"


def _artefacts(config: Config, home: Home, database: Engine) -> tuple[int, int, tuple[str, ...]]:
    """Return how many items the depot holds, their bytes, and what is missing there."""
    try:
        items = {
            item.name: item.size_bytes for item in open_depot(config.file.store.artefacts, home.root).items()
        }
    except KeelwayError as error:
        return 0, 0, (error.message,)
    with reported(), database.connect() as connection:
        query = select(BLOBS.c.sha).where(BLOBS.c.expired_at.is_(None), BLOBS.c.content.is_(None))
        wanted = set(connection.execute(query).scalars())
    lost = sorted(wanted - items.keys())
    sentences = [f"The content of artefact sha256:{sha} is lost." for sha in lost[:LOST_SHOWN]]
    if len(lost) > LOST_SHOWN:
        sentences.append(f"{len(lost) - LOST_SHOWN} more contents of artefacts are lost.")
    return len(items), sum(items.values()), tuple(sentences)


def _stories(home: Home, database: Engine) -> tuple[Stuck, ...]:
    """Name the open tasks whose story does not go on."""
    from keelway.engine import outside

    tasks = open_tasks(database)
    with reported():
        states = outside.statuses(home.database_url, tasks)
    found = []
    for run, name in tasks.items():
        state = states.get(run, "absent")
        if state == "absent":
            found.append(Stuck(f"task {name}", "It is open, and its story was never started.", "keelway up"))
        elif state not in {"queued", "running"}:
            again = f"keelway abort {name}, then keelway retry {name}"
            found.append(Stuck(f"task {name}", f"It is open, and its story is {state}.", again))
    return tuple(found)
