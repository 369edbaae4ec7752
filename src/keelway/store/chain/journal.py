"""Write: one transaction, one lock on the head of the chain, and the event of every change in it.

Whoever writes first locks the row of ``keel_chain`` (SQLite: the whole database), so writers of all
processes and hosts stand in one line, and what a writer reads cannot change before it commits.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, bindparam, select, update

from keelway.core.codec import canonical
from keelway.core.errors import KeelwayError, OurFault
from keelway.core.model.event import GENESIS, Event, EventKind
from keelway.store.chain.witness import Head, Witness
from keelway.store.dialect import WRITE
from keelway.store.fault import reported
from keelway.store.tables import CHAIN, COUNTERS, EVENTS

BODY_BYTES_MAX = 1_000_000

# Built once: putting a statement together costs more than running it.
_HEAD = select(CHAIN.c.sequence, CHAIN.c.hash).where(CHAIN.c.id == 1)
_HEAD_LOCKED = _HEAD.with_for_update()
_KNOWN = select(EVENTS.c.sequence).where(EVENTS.c.key == bindparam("event_key"))
_APPEND = EVENTS.insert()
_ADVANCE = update(CHAIN).where(CHAIN.c.id == 1)

Clock = Callable[[], datetime]
Sealing = Callable[[Head, datetime], None]
"""Sign a head of the chain; it raises nothing."""


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def link_hash(previous: str, sequence: int, body: str) -> str:
    """Return the hash of an event from its stored text, as ``core.model.event.chain`` defines it.

    Hashing the text and not the parsed event keeps old links valid when an event gains a field.
    """
    text = canonical({"previous": previous, "sequence": sequence, "event": body})
    return hashlib.sha256(text.encode()).hexdigest()


class Entry:
    """Hold one open write transaction."""

    def __init__(self, connection: Connection, head: Head, at: datetime) -> None:
        self.connection = connection
        self.head = head
        self.at = at
        self.closes = False
        """A task ends in this transaction."""

    def append(self, event: Event) -> int:
        """Put an event at the end of the chain, or find the one that has its key.

        Raises:
            OurFault: the event is too large.
        """
        if event.key:
            found = self.connection.execute(_KNOWN, {"event_key": event.key}).scalar()
            if found is not None:
                return int(found)
        body = canonical(event)
        if len(body) > BODY_BYTES_MAX:
            raise OurFault(
                "event_too_large",
                f"An event {event.kind.value} has {len(body)} bytes; at most {BODY_BYTES_MAX} are kept.",
                "keep the large part as an artefact and name it in the event",
            )
        sequence = self.head.sequence + 1
        self.head, previous = Head(sequence, link_hash(self.head.hash, sequence, body)), self.head.hash
        row = {"sequence": sequence, "hash": self.head.hash, "previous": previous, "body": body}
        copies = {"key": event.key or None, "kind": event.kind.value, "task": event.task, "at": event.at}
        self.connection.execute(_APPEND, row | copies)
        self.closes = self.closes or event.kind is EventKind.TASK_CLOSED
        return sequence

    def note(self, what: str, task: str = "", **data: Any) -> int:
        """Append the event of a changed record that has no kind of its own."""
        return self.append(Event(EventKind.CONTROL_CHANGED, self.at, task, data={"record": what, **data}))

    def next(self, counter: str) -> int:
        """Count on and return the new number."""
        query = select(COUNTERS.c.value).where(COUNTERS.c.name == counter)
        value = int(self.connection.execute(query).scalar_one()) + 1
        self.connection.execute(update(COUNTERS).where(COUNTERS.c.name == counter).values(value=value))
        return value


class Journal:
    """Open write transactions on a database and keep the witness of its chain."""

    def __init__(
        self, engine: Engine, home: Path, clock: Clock = utc_now, seal: Sealing | None = None
    ) -> None:
        self.engine = engine
        self.home = home
        self.clock = clock
        self._seal = seal
        self.witness = Witness(home)
        home.mkdir(parents=True, exist_ok=True)
        with reported(), engine.connect() as connection:
            first = _head(connection)
        # Without a first line, a kill right after the very first event would look like a lost witness.
        if first.sequence == 0:
            self._advance(first, first)

    def read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """Return the rows of a query.

        Raises:
            TheirFault: the database cannot be read.
        """
        with reported(), self.engine.connect() as connection:
            return connection.execute(query).all()

    @contextmanager
    def entry(self) -> Iterator[Entry]:
        """Hold a write transaction; it commits at the end of the block and vanishes on any error.

        Raises:
            TheirFault: the database is busy for too long, full, read-only or gone.
        """
        with reported(), self.engine.connect() as connection:
            connection.execution_options(**WRITE)
            with connection.begin():
                before = _head(connection, lock=True)
                entry = Entry(connection, before, self.clock())
                yield entry
                if entry.head != before:
                    head = {"sequence": entry.head.sequence, "hash": entry.head.hash}
                    connection.execute(_ADVANCE, head)
        if entry.head != before:
            self._advance(before, entry.head)
        if entry.closes:
            self.sign(entry.head)

    def sign(self, head: Head | None = None) -> None:
        """Sign a head of the chain, or the present one, where this home signs."""
        if self._seal is None:
            return
        if head is None:
            with reported(), self.engine.connect() as connection:
                head = _head(connection)
        if head.sequence:
            self._seal(head, self.clock())

    def _advance(self, before: Head, head: Head) -> None:
        def hash_at(sequence: int) -> str:
            if sequence == before.sequence:
                return before.hash
            rows = self.read(select(EVENTS.c.hash).where(EVENTS.c.sequence == sequence))
            return str(rows[0].hash) if rows else GENESIS

        # The change is committed: an unwritable witness must not report it as failed. An older
        # witness still holds the chain up to where it stands, and the audit tells a broken one.
        with contextlib.suppress(OSError, ValueError, KeelwayError):
            self.witness.advance(head, hash_at)


def _head(connection: Connection, *, lock: bool = False) -> Head:
    row = connection.execute(_HEAD_LOCKED if lock else _HEAD).first()
    if row is None:
        raise OurFault("chain_head_missing", "The head of the audit chain is gone.", "keelway audit --verify")
    return Head(int(row.sequence), str(row.hash))
