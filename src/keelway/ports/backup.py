"""A backup of application data: it counts only after it has been verified."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from keelway.core.backup.backup import Backup, Loss, Part, Proof
from keelway.core.migration.dry_run import Beside, DryRun
from keelway.ports.target import OnCopy

__all__ = ["Backup", "BackupStore", "Beside", "Loss", "Part", "Proof"]


class BackupStore(Protocol):
    """Take, verify and restore backups of one application."""

    def take(self, environment: str, *, key: str) -> Backup | None:
        """Copy the data and prove the copy; ``None`` when the environment keeps none.

        Raises:
            TheirFault: no space, or the copy failed its verification; nothing is left behind.
        """
        ...

    def verify(self, backup: Backup) -> str:
        """Check a backup again, quickly; return "" or what is wrong with it."""
        ...

    def prove(self, backup: Backup) -> Proof:
        """Restore a backup into a scratch place, compare it with what was counted, and clear away."""
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

    def rehearse(self, backup: Backup, beside: Beside, on_copy: OnCopy, *, key: str) -> DryRun:
        """Restore a backup beside the data of an environment, try the migrations of a release on it, clear away.

        What cannot be lent, or fails on the way, is said in the result.
        """
        ...

    def rows(self, environment: str) -> dict[str, int]:
        """Count the rows of every table now."""
        ...

    def kept(self, environment: str) -> tuple[Backup, ...]:
        """Return every backup of an environment that has a record."""
        ...

    def prune(
        self,
        environment: str,
        *,
        needed: frozenset[str],
        before: datetime,
        at_least: int,
        dry_run: bool = False,
    ) -> tuple[str, ...]:
        """Remove backups whose time is over and return their ids; what is ``needed`` stays.

        With ``dry_run`` nothing is removed.
        """
        ...
