"""A copy of an environment's data, and what going back to it would lose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Part:
    """Name one file of a backup: the copy of one database, or of folders."""

    kind: str
    """``sqlite``, ``postgres``, ``mysql`` or ``files``."""
    path: str
    sha256: str
    size_bytes: int
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table; of folders, whose names end with a slash, the number of files."""
    mark: str = ""
    """What its kind noted to tell later which rows are newer."""
    sealed: bool = False
    """The file is encrypted."""


@dataclass(frozen=True)
class Backup:
    """Name a verified copy of an environment's data."""

    id: str
    environment: str
    path: str
    """The file; of a backup of several parts the record that names them."""
    sha256: str
    size_bytes: int
    taken_at: datetime
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table at the moment of the copy."""
    parts: tuple[Part, ...] = ()
    """What it is made of; empty in the records of earlier versions, whose one file is SQLite's."""

    @property
    def files(self) -> tuple[Part, ...]:
        """Return the parts, also of a record that names none."""
        return self.parts or (Part("sqlite", self.path, self.sha256, self.size_bytes, self.rows),)


@dataclass(frozen=True)
class Loss:
    """Count what a restore would lose: rows that were written after the backup."""

    rows: dict[str, int] = field(default_factory=dict)
    """Rows that are new since."""
    changed: dict[str, int] = field(default_factory=dict)
    """Rows that were altered since, where that could be seen; they fall back to what they were."""
    returning: dict[str, int] = field(default_factory=dict)
    """Rows that were deleted since and would come back."""

    @property
    def total(self) -> int:
        """Return the number of new and altered rows over all tables."""
        return sum(self.rows.values()) + sum(self.changed.values())

    @property
    def words(self) -> str:
        """Return it as a person reads it, empty when nothing is lost."""
        told = (
            *_told(self.rows, ""),
            *_told(self.changed, " as altered since"),
            *_told(self.returning, " deleted since (they come back)"),
        )
        return ", ".join(told)


@dataclass(frozen=True)
class Proof:
    """State whether a backup could be restored into a scratch place, and how long that took."""

    seconds: float
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table that were there afterwards."""
    wrong: str = ""
    """What was wrong with it, or why it could not be tried; empty when it is good."""


def _told(counts: Mapping[str, int], more: str) -> Iterable[str]:
    for table, count in sorted(counts.items()):
        if count:
            yield f"{count} {'files' if table.endswith('/') else 'rows'} of {table}{more}"


def loss_by_count(then: Mapping[str, int], now: Mapping[str, int]) -> Loss:
    """Count per table how many rows there are more, and how many fewer, than then."""
    tables = sorted({*then, *now})
    more = {table: now.get(table, 0) - then.get(table, 0) for table in tables}
    return Loss(
        {table: count for table, count in more.items() if count > 0},
        returning={table: -count for table, count in more.items() if count < 0},
    )


def loss_by_change(new: Mapping[str, int], gone: Mapping[str, int]) -> Loss:
    """Return what is lost from the numbers of rows that are new, and that are gone, since the backup.

    A row that was altered shows as one that is gone and one that is new: as many of the new ones as
    are gone count as altered, the rest as new.
    """
    rows, changed, returning = {}, {}, {}
    for table in sorted({*new, *gone}):
        both = min(new.get(table, 0), gone.get(table, 0))
        rows[table] = new.get(table, 0) - both
        changed[table] = both
        returning[table] = gone.get(table, 0) - both
    return Loss(_counted(rows), _counted(changed), _counted(returning))


def joined(losses: Iterable[Loss]) -> Loss:
    """Return one loss for the parts of a backup, whose tables have different names."""
    rows, changed, returning = {}, {}, {}
    for loss in losses:
        rows.update(loss.rows)
        changed.update(loss.changed)
        returning.update(loss.returning)
    return Loss(rows, changed, returning)


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    return {table: count for table, count in counts.items() if count}
