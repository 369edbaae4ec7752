"""Backups of rows in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from keelway.core.backup.backup import loss_by_count
from keelway.core.backup.keep import choose_over
from keelway.core.codec import digest
from keelway.core.errors import TheirFault
from keelway.core.migration.dry_run import Beside, DryRun
from keelway.ports.backup import Backup, BackupStore, Loss, Proof
from keelway.ports.target import OnCopy

_TAKEN_AT = datetime(2026, 1, 1, tzinfo=UTC)


class FakeBackup:
    """Keep ``data`` as rows per table of each environment, and copies of it; no entry means no data."""

    def __init__(self, data: dict[str, dict[str, int]] | None = None) -> None:
        self.data = data if data is not None else {}
        self.taken: dict[str, Backup] = {}
        self.damaged: set[str] = set()
        """Ids of backups that do not verify."""
        self.restored: list[str] = []
        self.unproven: set[str] = set()
        """Ids of backups that cannot be restored although they verify."""
        self.unreadable: set[str] = set()
        """Environments whose data cannot be read now."""
        self.dry_runs: dict[str, DryRun] = {}
        """What a migration does to the data of an environment; without an entry it goes well."""
        self.tried: list[tuple[str, str]] = []
        """Environment whose data was lent, and release that was tried on it."""

    def take(self, environment: str, *, key: str) -> Backup | None:
        """Copy the rows."""
        if environment not in self.data:
            return None
        name = f"{environment}/{key}"
        if name not in self.taken:
            rows = dict(self.data[environment])
            self.taken[name] = Backup(
                name, environment, f"/fake/{name}", digest(rows), sum(rows.values()), _TAKEN_AT, rows
            )
        return self.taken[name]

    def verify(self, backup: Backup) -> str:
        """Say what is wrong with a copy."""
        if backup.id not in self.taken:
            return f"there is no backup {backup.id}"
        return f"{backup.id} is damaged" if backup.id in self.damaged else ""

    def prove(self, backup: Backup) -> Proof:
        """Say whether a copy could be restored."""
        wrong = self.verify(backup) or ("it cannot be restored" if backup.id in self.unproven else "")
        return Proof(0.1, {} if wrong else backup.rows, wrong)

    def loss(self, backup: Backup) -> Loss:
        """Count what was written since."""
        if backup.environment in self.unreadable:
            raise TheirFault("data_unreadable", f"The data of {backup.environment} cannot be read.")
        return loss_by_count(backup.rows, self.rows(backup.environment))

    def restore(self, backup: Backup, *, key: str) -> None:
        """Put the rows back, once per key."""
        if wrong := self.verify(backup):
            raise TheirFault("backup_damaged", f"Nothing was restored: {wrong}.")
        if key not in self.restored:
            self.restored.append(key)
            self.data[backup.environment] = dict(backup.rows)

    def rehearse(self, backup: Backup, beside: Beside, on_copy: OnCopy, *, key: str) -> DryRun:
        """Say what a migration does to a copy."""
        del on_copy, key
        self.tried.append((backup.environment, beside.release))
        if wrong := self.verify(backup):
            return DryRun(backup.environment, wrong=wrong)
        rows = sum(backup.rows.values())
        good = DryRun(backup.environment, beside.live - 1, beside.live, rows, 0.1, down_seconds=0.1)
        return self.dry_runs.get(backup.environment, good)

    def kept(self, environment: str) -> tuple[Backup, ...]:
        """Return the copies of an environment."""
        return tuple(backup for backup in self.taken.values() if backup.environment == environment)

    def prune(
        self,
        environment: str,
        *,
        needed: frozenset[str],
        before: datetime,
        at_least: int,
        dry_run: bool = False,
    ) -> tuple[str, ...]:
        """Remove copies whose time is over."""
        over = choose_over(self.kept(environment), needed=needed, before=before, at_least=at_least)
        for backup in () if dry_run else over:
            del self.taken[backup.id]
        return tuple(backup.id for backup in over)

    def rows(self, environment: str) -> dict[str, int]:
        """Count the rows now."""
        return dict(self.data.get(environment, {}))


_check: type[BackupStore] = FakeBackup
