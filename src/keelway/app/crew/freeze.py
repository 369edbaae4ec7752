"""Let the emergency stop reach every home of a store: the flag of each host follows the book that all share."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind, Link
from keelway.core.rule.freeze import Freeze
from keelway.store.freeze import lift_freeze, set_freeze

LOOK_SECONDS = 1.0
"""How long a stop that was pulled on another host stays unheeded at most, but for the way to the database."""

_KINDS = (EventKind.FREEZE_SET, EventKind.FREEZE_LIFTED)
_log = logging.getLogger("keelway.crew")


class Book(Protocol):
    """Keep events and know the flag of this home."""

    def latest(self, *kinds: EventKind, after: int = 0) -> Link | None:
        """Return the newest link of some kinds after a sequence number."""
        ...

    def record(self, event: Event) -> int:
        """Append an event."""
        ...

    def freeze(self) -> Freeze:
        """Read the emergency stop of this home."""
        ...


class SharedFreeze(Rounds):
    """Look every second, in a thread of its own; while the database is away the flag stays as it is.

    A flag that was set while the database was away is told to the others as soon as it answers. In doubt
    the stop stays: a lift from before this flag was set does not count when the process begins.
    """

    def __init__(self, book: Book, home: Path, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__(
            self._look_patiently,
            look_seconds,
            _log,
            name="freeze",
            failed="The emergency stop could not be compared with the book.",
        )
        self._book, self._home = book, home
        self._seen = 0
        self._told: bool | None = None
        self._untold = 0

    def start(self) -> None:
        """Look once, then again and again.

        Raises:
            KeelwayError: the book cannot be read, or the flag cannot be written.
        """
        self.look()
        super().start()

    def look(self) -> Freeze:
        """Take over what the others did since, or tell them what was done here; return how the stop stands.

        Raises:
            KeelwayError: the book cannot be read, or the flag cannot be written.
        """
        link, here = self._book.latest(*_KINDS, after=self._seen), self._book.freeze()
        if link is not None:
            self._take_over(link.event, here)
            self._seen, self._told = link.sequence, link.event.kind is EventKind.FREEZE_SET
        here = self._book.freeze()
        # Who pulls the stop writes the flag first: only what the book does not hold a look later is told here.
        self._untold = self._untold + 1 if here.active != bool(self._told) else 0
        if self._untold > 1:
            kind = EventKind.FREEZE_SET if here.active else EventKind.FREEZE_LIFTED
            data = {"reason": here.reason}
            actor = here.by or "owner@cli"
            self._seen = self._book.record(Event(kind, datetime.now(UTC), actor=actor, data=data))
            self._told, self._untold = here.active, 0
        return here

    def _take_over(self, event: Event, here: Freeze) -> None:
        if event.kind is EventKind.FREEZE_SET:
            if not here.active:
                reason = str(event.data.get("reason", ""))
                set_freeze(self._home, by=event.actor, reason=reason, since=event.at)
        elif here.active and (self._seen or (here.since is not None and here.since <= event.at)):
            lift_freeze(self._home)

    def _look_patiently(self) -> None:
        try:
            self.look()
        except KeelwayError as error:
            _log.warning("The emergency stop could not be compared with the book: %s", error)
