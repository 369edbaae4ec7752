"""What every kind of data has to be able to do before it can be backed up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from keelway.core.backup.backup import Loss
from keelway.core.backup.likeness import Likeness

COPY_SECONDS_MAX = 4 * 3_600.0
"""How long one copy or restore may take; something that stays locked would else hold us for ever."""


class CopyFailed(Exception):
    """Say why data could not be copied, read or put back."""


@dataclass(frozen=True)
class Counted:
    """Hold what a copy contains."""

    rows: dict[str, int]
    mark: str = ""
    """What its kind notes to tell later which rows are newer."""


@dataclass(frozen=True)
class Lent:
    """Lend the restored copy of one source, or of several."""

    instead: dict[str, str] = field(default_factory=dict)
    """What stands in place of each address and folder of the live data."""
    readers: tuple[Reader, ...] = ()

    def look(self) -> Likeness:
        """Read the schema and the contents of the copy."""
        looks = [reader.look() for reader in self.readers]
        return Likeness(
            tuple(line for look in looks for line in look.schema),
            {table: count for look in looks for table, count in look.rows.items()},
            {table: value for look in looks for table, value in look.sums.items()},
        )

    @contextmanager
    def locks(self) -> Iterator[dict[str, float]]:
        """Watch for how long tables are locked against their users; the figures are there at the end."""
        found: dict[str, float] = {}
        with _all([reader.locks() for reader in self.readers]) as watched:
            yield found
        for seconds in watched:
            found.update(seconds)


@contextmanager
def _all(watches: list[AbstractContextManager[dict[str, float]]]) -> Iterator[list[dict[str, float]]]:
    if not watches:
        yield []
        return
    with watches[0] as first, _all(watches[1:]) as rest:
        yield [first, *rest]


class Reader(Protocol):
    """Read a restored copy."""

    def look(self) -> Likeness:
        """Read its schema and its contents."""
        ...

    def locks(self) -> AbstractContextManager[dict[str, float]]:
        """Watch its locks."""
        ...


class Source(Protocol):
    """Be one database, or the folders, of an environment.

    Every verb raises ``CopyFailed`` or ``OSError`` with what is wrong.
    """

    kind: str
    suffix: str
    keeps_old: bool
    """A restore leaves what was there before beside it, so it is not copied first."""

    def named(self) -> str:
        """Return what it is, for a person, without passwords."""
        ...

    def ready(self) -> None:
        """See that everything is there that a backup needs; nothing is copied.

        Raises:
            YourFault: a program is not installed.
        """
        ...

    def size_bytes(self) -> int | None:
        """Return how large it is, ``None`` when the environment keeps none (yet)."""
        ...

    def copy(self, path: Path) -> Counted:
        """Copy it into a file, in one consistent state, and count its rows."""
        ...

    def check(self, path: Path, rows: dict[str, int]) -> str:
        """Look through a copy quickly; return "" or what is wrong."""
        ...

    def prove(self, path: Path, rows: dict[str, int]) -> str:
        """Restore a copy into a scratch place and compare; return "" or what is wrong."""
        ...

    def rows(self) -> dict[str, int]:
        """Count what is there now."""
        ...

    def loss(self, path: Path, then: Counted) -> Loss:
        """Count what is newer than a copy."""
        ...

    def write_back(self, path: Path, rows: dict[str, int], name: str) -> None:
        """Put a copy in place of what is there; the same name is safe to repeat."""
        ...

    def lend(self, path: Path, folder: Path, name: str) -> AbstractContextManager[Lent]:
        """Restore a copy beside what is there, and clear it away at the end."""
        ...


def counted_wrong(expected: dict[str, int], found: dict[str, int]) -> str:
    """Return "" or which table holds another number of rows than was counted."""
    for table in sorted({*expected, *found}):
        if expected.get(table) != found.get(table):
            return f"{table} holds {found.get(table, 'no')} rows, {expected.get(table, 'none')} were counted"
    return ""
