"""Copies of everything that an environment keeps, of several kinds, as one backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keelway.clients.backup.cellar import Cellar
from keelway.clients.backup.seal import Seal
from keelway.clients.backup.source import Source
from keelway.ports.backup import BackupStore


class CompositeBackup(Cellar):
    """Put several stores together: they are taken, verified, lent and restored as one."""

    def __init__(
        self, home: str, stores: tuple[Cellar, ...], identity: Callable[[], str] | None = None
    ) -> None:
        def sources(environment: str) -> tuple[Source, ...]:
            return tuple(source for store in stores for source in store.sources(environment))

        super().__init__(Path(home).resolve(), sources, Seal(identity) if identity else None)


_check: type[BackupStore] = CompositeBackup
ADAPTER = CompositeBackup
