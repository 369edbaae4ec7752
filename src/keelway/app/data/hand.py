"""Backups by hand: which there are, one more, and whether one really comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from keelway.app.config import Config
from keelway.app.data.choose import backups_of
from keelway.app.home import Home
from keelway.core.errors import YourFault
from keelway.ports.backup import Backup, BackupStore


@dataclass(frozen=True)
class Kept:
    """Describe one backup."""

    id: str
    environment: str
    taken_at: datetime
    size_bytes: int
    rows: int
    kinds: tuple[str, ...]
    encrypted: bool


@dataclass(frozen=True)
class Proven:
    """State whether a backup came back in a scratch place."""

    id: str
    environment: str
    seconds: float
    rows: int
    wrong: str = ""


def kept(config: Config, home: Home, environment: str = "") -> tuple[Kept, ...]:
    """Return the backups of an environment, or of all, the newest first.

    Raises:
        YourFault: there is no such environment.
    """
    store = _store(config, home)
    names = [environment] if environment else [spec.name for spec in config.project.environments]
    found = [_told(backup) for name in names for backup in store.kept(config.project.named(name).name)]
    return tuple(sorted(found, key=lambda one: one.taken_at, reverse=True))


def take(config: Config, home: Home, environment: str) -> Kept:
    """Take a backup now.

    Raises:
        YourFault: there is no such environment, or it keeps no data.
        TheirFault: the backup failed; nothing is left of it.
    """
    key = f"by hand at {datetime.now(UTC).isoformat()}"
    backup = _store(config, home).take(config.project.named(environment).name, key=key)
    if backup is None:
        raise YourFault(
            "no_data",
            f"{environment} keeps no data that [data] names, or none yet.",
            "name it in [data] of keelway.toml, then keelway doctor",
        )
    return _told(backup)


def prove(config: Config, home: Home, environment: str, name: str = "") -> Proven:
    """Restore a backup into a scratch place, the newest when none is named, and compare.

    Raises:
        YourFault: there is no such environment, or no such backup.
    """
    store = _store(config, home)
    there = sorted(store.kept(config.project.named(environment).name), key=lambda one: one.taken_at)
    chosen = [backup for backup in there if not name or backup.id == name]
    if not chosen:
        raise YourFault(
            "no_backup",
            f"{environment} has no backup{f' {name}' if name else ''}.",
            f"keelway data list {environment}",
        )
    proof = store.prove(chosen[-1])
    return Proven(chosen[-1].id, environment, proof.seconds, sum(proof.rows.values()), proof.wrong)


def _store(config: Config, home: Home) -> BackupStore:
    return backups_of(config.project, str(home.root))


def _told(backup: Backup) -> Kept:
    parts = backup.files
    return Kept(
        backup.id,
        backup.environment,
        backup.taken_at,
        backup.size_bytes,
        sum(backup.rows.values()),
        tuple(part.kind for part in parts),
        all(part.sealed for part in parts),
    )
