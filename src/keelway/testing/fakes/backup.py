"""Backups of rows in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from keelway.core.codec import digest
from keelway.core.errors import TheirFault
from keelway.ports.backup import Backup, BackupStore, Loss

_TAKEN_AT = datetime(2026, 1, 1, tzinfo=UTC)


class FakeBackup:
    """Keep ``data`` as rows per table of each environment, and copies of it; no entry means no data."""

    def __init__(self, data: dict[str, dict[str, int]] | None = None) -> None:
        self.data = data if data is not None else {}
        self.taken: dict[str, Backup] = {}
        self.damaged: set[str] = set()
        """Ids of backups that do not verify."""
        self.restored: list[str] = []

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

    def loss(self, backup: Backup) -> Loss:
        """Count what was written since."""
        now = self.rows(backup.environment)
        more = {table: count - backup.rows.get(table, 0) for table, count in now.items()}
        return Loss({table: count for table, count in more.items() if count > 0})

    def restore(self, backup: Backup, *, key: str) -> None:
        """Put the rows back, once per key."""
        if wrong := self.verify(backup):
            raise TheirFault("backup_damaged", f"Nothing was restored: {wrong}.")
        if key not in self.restored:
            self.restored.append(key)
            self.data[backup.environment] = dict(backup.rows)

    def rows(self, environment: str) -> dict[str, int]:
        """Count the rows now."""
        return dict(self.data.get(environment, {}))


_check: type[BackupStore] = FakeBackup
