"""Copies of folders, each proven by unpacking it into a scratch folder."""

from __future__ import annotations

from pathlib import Path

from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.kind.files import FilesSource
from keelway.clients.backup.source import Source
from keelway.clients.places import Places
from keelway.core.model.project import Project
from keelway.ports.backup import BackupStore


class FilesBackup(Cellar):
    """Keep backups of the folders that users bring files to, below the home."""

    def __init__(self, project: Project, home: str) -> None:
        places = Places(Path(home).resolve())

        def sources(environment: str) -> tuple[Source, ...]:
            if not project.data.files:
                return ()
            folders = [Path(places.fill(text, environment)) for text in project.data.files]
            named = {_name(folder, folders): folder for folder in folders}
            return (FilesSource(named, places.data(environment)),)

        super().__init__(places.home, sources)


def _name(folder: Path, folders: list[Path]) -> str:
    """Return the name of a folder in a backup: its last part, and its place where two end alike."""
    alike = [other for other in folders if other.name == folder.name]
    return folder.name if len(alike) == 1 else f"{folder.name}-{folders.index(folder)}"


_check: type[BackupStore] = FilesBackup
ADAPTER = FilesBackup
