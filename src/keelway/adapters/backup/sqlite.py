"""Copies of a SQLite database that are taken while it is written to, and verified before they count."""

from __future__ import annotations

from pathlib import Path

from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.kind.sqlite import SqliteSource
from keelway.clients.backup.source import Source
from keelway.clients.places import Places
from keelway.core.model.project import Project
from keelway.ports.backup import BackupStore


class SqliteBackup(Cellar):
    """Keep backups of an application's SQLite file below the home."""

    def __init__(self, project: Project, home: str) -> None:
        places = Places(Path(home).resolve())

        def sources(environment: str) -> tuple[Source, ...]:
            if not project.sqlite:
                return ()
            path = Path(places.fill(project.sqlite, environment))
            return (SqliteSource(path, places.data(environment)),)

        super().__init__(places.home, sources)


_check: type[BackupStore] = SqliteBackup
ADAPTER = SqliteBackup
