"""Copies of a MySQL or MariaDB database, each proven by restoring it into a scratch database of the same server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keelway.clients.backup.address import address_of
from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.kind.mysql import MysqlSource
from keelway.clients.backup.source import Source
from keelway.clients.places import Places
from keelway.core.model.project import Project
from keelway.ports.backup import BackupStore


class MysqlBackup(Cellar):
    """Keep backups of an application's database below the home."""

    def __init__(self, project: Project, home: str, secret: Callable[[str], str]) -> None:
        places = Places(Path(home).resolve())

        def sources(environment: str) -> tuple[Source, ...]:
            if not project.data.mysql:
                return ()
            return (MysqlSource(address_of(project.data.mysql, project, environment, places, secret)),)

        super().__init__(places.home, sources)


_check: type[BackupStore] = MysqlBackup
ADAPTER = MysqlBackup
