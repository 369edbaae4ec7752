"""Put the stores of backups together that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.app.registry import load
from keelway.clients.secret_file import resolve
from keelway.core.model.project import Project
from keelway.ports.backup import BackupStore
from keelway.ports.vault import Vault

if TYPE_CHECKING:
    from keelway.clients.backup.cellar import Cellar


def backups_of(project: Project, home: str) -> BackupStore:
    """Return the same store for those who have no vault at hand."""
    return make_backup(project, home, load("vault", "file")(home))


def make_backup(project: Project, home: str, vault: Vault) -> BackupStore:
    """Return one store for everything that ``[data]`` names."""

    def secret(name: str) -> str:
        return resolve(vault.reference(name))

    stores: list[Cellar] = [load("backup", "sqlite")(project, home)]
    if project.data.postgres:
        stores.append(load("backup", "postgres")(project, home, secret))
    if project.data.mysql:
        stores.append(load("backup", "mysql")(project, home, secret))
    if project.data.files:
        stores.append(load("backup", "files")(project, home))
    key = project.data.encrypt
    identity = (lambda: secret(key)) if key else None
    store: BackupStore = load("backup", "composite")(home, tuple(stores), identity)
    return store
