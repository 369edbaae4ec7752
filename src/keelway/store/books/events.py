"""Events: the chain as callers see it."""

from __future__ import annotations

import json

from sqlalchemy import select

from keelway.core.model.event import Event, EventKind, Link
from keelway.store.books.shelf import Shelf, bounded
from keelway.store.reading import lenient
from keelway.store.tables import EVENTS


class Events(Shelf):
    """Append to the chain and read it."""

    def record(self, event: Event) -> int:
        """Append an event and return its sequence number; a known key is not recorded twice."""
        with self._journal.entry() as entry:
            return entry.append(event)

    def events(self, *, task: str = "", after: int = 0, limit: int = 1_000) -> tuple[Link, ...]:
        """Return links of the chain in order."""
        query = select(EVENTS).where(EVENTS.c.sequence > after).order_by(EVENTS.c.sequence)
        if task:
            query = query.where(EVENTS.c.task == task)
        rows = self._journal.read(query.limit(bounded(limit)))
        return tuple(Link(int(row.sequence), _event(row.body), row.hash, row.previous) for row in rows)

    def latest(self, *kinds: EventKind, after: int = 0) -> Link | None:
        """Return the newest link of some kinds after a sequence number, ``None`` when there is none."""
        query = select(EVENTS).where(
            EVENTS.c.sequence > after, EVENTS.c.kind.in_([kind.value for kind in kinds])
        )
        rows = self._journal.read(query.order_by(EVENTS.c.sequence.desc()).limit(1))
        return next((Link(int(row.sequence), _event(row.body), row.hash, row.previous) for row in rows), None)

    def effect(self, key: str) -> Event | None:
        """Return the ``effect.done`` event of an effect key, when it was done."""
        done = EVENTS.c.kind == EventKind.EFFECT_DONE.value
        rows = self._journal.read(select(EVENTS.c.body).where(EVENTS.c.key == key, done)) if key else ()
        return _event(rows[0].body) if rows else None


def _event(body: str) -> Event:
    return lenient(Event, json.loads(body))
