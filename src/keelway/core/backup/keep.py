"""Which backups may go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keelway.core.backup.backup import Backup


def choose_over(
    backups: Iterable[Backup], *, needed: frozenset[str], before: datetime, at_least: int
) -> tuple[Backup, ...]:
    """Return the backups of one environment whose time is over.

    Args:
        backups: all there are.
        needed: ids that a way back may still ask for; they stay, however old they are.
        before: only what was taken before this instant may go.
        at_least: so many of the newest stay in any case.
    """
    newest = sorted(backups, key=lambda backup: (backup.taken_at, backup.id), reverse=True)
    rest = newest[max(0, at_least) :]
    return tuple(backup for backup in rest if backup.taken_at < before and backup.id not in needed)
