"""Back the store up into one verified file, and say how it comes back."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from keelway.app.home import Home
from keelway.app.upkeep.store import Say, name_of, opened, utc_now
from keelway.store.dialect import database_bytes
from keelway.store.fault import reported
from keelway.store.upkeep.copying import already, copy

FOLDER = "store-backups"
OF_THE_CHAIN = ("audit.head", "audit.signed", "audit.pub")
"""What in the home vouches for the end of the chain, and contradicts an older one."""


@dataclass(frozen=True)
class BackupMade:
    """Name a verified backup of the store and the commands that bring it back."""

    store: str
    path: str
    size_bytes: int
    """Of the backup; of the database when nothing was made."""
    sha256: str
    restore: tuple[str, ...]
    dry_run: bool = False


def take(
    home: Home, say: Say, to: Path | None = None, *, dry_run: bool = False, now: datetime | None = None
) -> BackupMade:
    """Copy the store while it is used; the file appears when it is verified, and never over another.

    Args:
        home: whose store.
        say: hears how it goes.
        to: a directory, or the file to be made; a folder in the home when not named.
        dry_run: only say what would be made.
        now: the present instant, for the name of the file.

    Raises:
        YourFault: the file is there already, or PostgreSQL's programs are not installed.
        TheirFault: there is no room, or the copy failed or is damaged.
    """
    with opened(home) as database:
        path = _path(home, to, database, now or utc_now())
        with reported(), database.connect() as connection:
            size = database_bytes(connection)
        commands = _restore(home, database, path)
        if dry_run:
            if path.exists():
                raise already(path)
            return BackupMade(name_of(home), str(path), size, "", commands, dry_run=True)
        made = copy(database, size, path, say)
        return BackupMade(name_of(home), str(made.path), made.size_bytes, made.sha256, commands)


def _path(home: Home, to: Path | None, database: Engine, now: datetime) -> Path:
    ending = "sqlite" if database.dialect.name == "sqlite" else "dump"
    name = f"keelway-{now:%Y%m%dT%H%M%SZ}.{ending}"
    if to is None:
        return home.root / FOLDER / name
    place = to.expanduser().absolute()
    return place / name if place.is_dir() else place


def _restore(home: Home, database: Engine, path: Path) -> tuple[str, ...]:
    """Return the commands: stop, put back, let what vouches for the newer chain go, look, start."""
    file = shlex.quote(str(path))
    there = [
        home.root / name for name in OF_THE_CHAIN if name == OF_THE_CHAIN[0] or (home.root / name).exists()
    ]
    aside = (f"mv {shlex.quote(str(each))} {shlex.quote(f'{each}.before-restore')}" for each in there)
    if database.dialect.name == "sqlite":
        book = shlex.quote(str(home.book))
        back: tuple[str, ...] = (f"rm -f {book}-wal {book}-shm", f"cp {file} {book}")
    else:
        where = shlex.quote(
            database.url.set(drivername="postgresql", password=None).render_as_string(hide_password=True)
        )
        back = (f"pg_restore --clean --if-exists --single-transaction --dbname={where} {file}",)
    return (
        "keelway down --server-only",
        *back,
        *aside,
        "keelway db check",
        "keelway up --detach",
    )
