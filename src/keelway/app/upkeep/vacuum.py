"""Remove what is over its time: contents of artefacts, log lines, samples, the engine's records of ended stories.

Never: audit events, open tasks, what runs, and what a way back needs.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from keelway.app.config import Config
from keelway.app.data.choose import backups_of
from keelway.app.home import Home
from keelway.app.upkeep.store import Say, opened, utc_now
from keelway.clients.files import free_bytes
from keelway.core.errors import TheirFault
from keelway.store.chain.journal import Journal
from keelway.store.depot.choose import open_depot
from keelway.store.dialect import database_bytes, shrink
from keelway.store.fault import reported
from keelway.store.ledger import SqlLedger
from keelway.store.upkeep.claim import Claim
from keelway.store.upkeep.needed import Needed, needed
from keelway.store.upkeep.retention import Retention

Forget = Callable[[datetime, Collection[str]], int]
"""Delete the engine's records of stories that ended before an instant, but for those named, and count them."""

Due = Callable[[datetime, datetime], bool]
_Parts = tuple[SqlLedger, Retention, Needed]


@dataclass(frozen=True)
class Removed:
    """Count what went, or would go."""

    artefacts: int = 0
    log_lines: int = 0
    samples: int = 0
    runs: int = 0
    backups: int = 0
    """Backups of the application's data."""


@dataclass(frozen=True)
class Vacuumed:
    """State what one piece of upkeep did."""

    removed: Removed
    before_bytes: int
    after_bytes: int
    dry_run: bool = False


def me(what: str) -> str:
    """Return who does it, unlike every other process."""
    return f"{what} on {platform.node()} ({os.getpid()})"


def would_remove(config: Config, home: Home, count: Forget, now: datetime | None = None) -> Vacuumed:
    """Count what is over its time; nothing is altered.

    Raises:
        TheirFault: the store cannot be read.
    """
    now = now or utc_now()
    with opened(home) as database:
        ledger, retention, stay, policy = *_parts(config, home, database), config.policy.artefact
        logs, runs = now - timedelta(days=policy.log_days), now - timedelta(days=policy.run_days)
        with reported():
            ended = count(runs, stay.open_tasks)
        found = Removed(
            len(ledger.due(now, stay.tasks)),
            retention.old_logs(logs, stay),
            retention.old_samples(logs, stay),
            ended,
            _remove_backups(config, home, stay, now, dry_run=True),
        )
        size = _size(database)
        return Vacuumed(found, size, size, dry_run=True)


def vacuum(
    config: Config,
    home: Home,
    forget: Forget,
    say: Say,
    *,
    by: str = "",
    due: Due | None = None,
) -> Vacuumed | None:
    """Remove what is over its time, one process at a time; ``None`` when ``due`` says that it is too early.

    Without ``due`` a person asked for it: then the room is given back to the disk too.

    Raises:
        RequestRefused: somebody else does it just now.
        TheirFault: the store cannot be written; what was removed until then stays removed and is recorded.
    """
    by = by or me("keelway db vacuum")
    with opened(home) as database:
        ledger, retention, stay = _parts(config, home, database)
        claim = Claim(Journal(database, home.root))
        if not claim.take(by, due):
            return None
        try:
            before = _size(database)
            removed = _remove(config, home, (ledger, retention, stay), forget, say, lambda: claim.renew(by))
            if due is None:
                _shrink(home, database, before, say)
            retention.note(by, asdict(removed))
            return Vacuumed(removed, before, _size(database))
        finally:
            claim.give_back(by)


def _parts(config: Config, home: Home, database: Engine) -> _Parts:
    depot = open_depot(config.file.store.artefacts, home.root)
    ledger = SqlLedger(
        database, home.root, config.project.owner, artefacts=config.policy.artefact, depot=depot
    )
    return ledger, Retention(Journal(database, home.root)), needed(database)


def _remove(
    config: Config, home: Home, parts: _Parts, forget: Forget, say: Say, renew: Callable[[], None]
) -> Removed:
    (ledger, retention, stay), policy, now = parts, config.policy.artefact, utc_now()
    old = now - timedelta(days=policy.log_days)
    say(f"Log lines and samples older than {policy.log_days} days.")
    log_lines, samples = retention.remove_logs(old, stay), retention.remove_samples(old, stay)
    renew()
    say(f"Artefacts older than {policy.retention_days} days.")
    artefacts = ledger.sweep(now, stay.tasks)
    renew()
    say(f"Records of stories that ended more than {policy.run_days} days ago.")
    with reported():
        runs = forget(now - timedelta(days=policy.run_days), stay.open_tasks)
    renew()
    say(f"Backups of data older than {policy.backup_days} days.")
    backups = _remove_backups(config, home, stay, now)
    return Removed(artefacts, log_lines, samples, runs, backups)


def _remove_backups(config: Config, home: Home, stay: Needed, now: datetime, *, dry_run: bool = False) -> int:
    policy, store = config.policy.artefact, backups_of(config.project, str(home.root))
    before, least = now - timedelta(days=policy.backup_days), policy.backups_min
    return sum(
        len(store.prune(spec.name, needed=stay.backups, before=before, at_least=least, dry_run=dry_run))
        for spec in config.project.environments
    )


def _shrink(home: Home, database: Engine, size: int, say: Say) -> None:
    if database.dialect.name == "sqlite" and free_bytes(home.root) < 2 * size:
        raise TheirFault(
            "disk_full",
            f"Giving room back needs {2 * size / 1e6:.1f} MB for a moment, which are not free.",
            "free space where the home is, then keelway db vacuum again; what was over its time is gone already",
        )
    say("Giving the room back.")
    with reported():
        shrink(database)


def _size(database: Engine) -> int:
    with reported(), database.connect() as connection:
        return database_bytes(connection)
