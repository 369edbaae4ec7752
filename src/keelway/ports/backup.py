"""A backup of application data: it counts only after it has been verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Backup:
    """Name a verified copy of an environment's data."""

    id: str
    environment: str
    path: str
    sha256: str
    size_bytes: int
    taken_at: datetime
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table at the moment of the copy."""


@dataclass(frozen=True)
class Loss:
    """Count what a restore would lose: rows that were written after the backup."""

    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the number of rows over all tables."""
        return sum(self.rows.values())


class BackupStore(Protocol):
    """Take, verify and restore backups of one application."""

    def take(self, environment: str, *, key: str) -> Backup | None:
        """Copy and verify the data; ``None`` when the environment keeps none.

        Raises:
            TheirFault: no space, or the copy failed its verification; nothing is left behind.
        """
        ...

    def verify(self, backup: Backup) -> str:
        """Check a backup again; return "" or what is wrong with it."""
        ...

    def loss(self, backup: Backup) -> Loss:
        """Count what restoring would lose now."""
        ...

    def restore(self, backup: Backup, *, key: str) -> None:
        """Put the data back in place, under open connections.

        Raises:
            TheirFault: the backup does not verify, or the restore failed.
        """
        ...

    def rows(self, environment: str) -> dict[str, int]:
        """Count the rows of every table now."""
        ...
