"""Running totals under the names that dashboards know, such as ``total_tasks_completed``."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from keelway.store.books.shelf import Shelf
from keelway.store.chain.journal import Entry
from keelway.store.tables import STATE


class Totals(Shelf):
    """Keep named values as text."""

    def state(self, key: str, default: str = "") -> str:
        """Return a value."""
        rows = self._journal.read(select(STATE.c.value).where(STATE.c.key == key))
        return str(rows[0].value) if rows else default

    def states(self) -> dict[str, str]:
        """Return every value by its key."""
        return {row.key: row.value for row in self._journal.read(select(STATE).order_by(STATE.c.key))}

    def set_state(self, key: str, value: str) -> None:
        """Insert or replace a value."""
        with self._journal.entry() as entry:
            before = entry.connection.execute(select(STATE.c.value).where(STATE.c.key == key)).scalar()
            if before == value:
                return
            put(entry, key, value)
            entry.note("state", key=key, value=value)


def put(entry: Entry, key: str, value: str) -> None:
    """Insert or replace a value inside a write transaction."""
    columns = {"value": value, "updated_at": entry.at}
    changed = entry.connection.execute(update(STATE).where(STATE.c.key == key).values(**columns))
    if changed.rowcount == 0:
        entry.connection.execute(insert(STATE).values(key=key, **columns))


def add_to(entry: Entry, key: str, step: int = 1) -> None:
    """Count a total on; a value that is no number starts again from nothing."""
    before = entry.connection.execute(select(STATE.c.value).where(STATE.c.key == key)).scalar()
    number = int(before) if before is not None and before.lstrip("-").isdecimal() else 0
    put(entry, key, str(number + step))
