"""The ledger on a database: the books of one installation behind one door."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.core.policy import ArtefactPolicy
from keelway.core.rule.freeze import Freeze
from keelway.ports.ledger import Ledger
from keelway.store.books.artefacts import Artefacts
from keelway.store.books.environments import Environments
from keelway.store.books.events import Events
from keelway.store.books.notes import Notes
from keelway.store.books.questions import Questions
from keelway.store.books.tasks import Tasks
from keelway.store.books.totals import Totals
from keelway.store.books.usage import Usage
from keelway.store.chain.journal import Clock, Journal, Sealing, utc_now
from keelway.store.database import check_schema
from keelway.store.depot.choose import open_depot
from keelway.store.depot.depot import Depot
from keelway.store.freeze import lift_freeze, read_freeze, set_freeze
from keelway.store.lesson.book import Lessons
from keelway.store.locks import Locks


class SqlLedger(Tasks, Events, Questions, Environments, Locks, Artefacts, Notes, Totals, Usage, Lessons):
    """Keep the book in SQLite or PostgreSQL, with files and the emergency stop under a home.

    Args:
        engine: from ``open_database``, after ``upgrade``.
        home: directory for large artefacts, the witness of the chain and the freeze flag.
        owner: name of the owner, or names; ``name@channel`` counts on that channel only.
        artefacts: what is kept inline, and for how long.
        clock: returns the present instant, in UTC.
        depot: where large artefacts lie; files in the home when not named.
        seal: signs the end of the chain at the close of each task; nobody does when not named.

    Raises:
        YourFault: the schema is not the one of this code.
    """

    def __init__(  # noqa: PLR0913 - the parts of one book, by name
        self,
        engine: Engine,
        home: Path,
        owner: str | Iterable[str] = "owner",
        *,
        artefacts: ArtefactPolicy | None = None,
        clock: Clock = utc_now,
        depot: Depot | None = None,
        seal: Sealing | None = None,
    ) -> None:
        check_schema(engine)
        depot = open_depot("", home) if depot is None else depot
        artefacts = artefacts or ArtefactPolicy()
        super().__init__(Journal(engine, home, clock, seal), artefacts, depot)
        self._lessons_max = artefacts.lessons_max
        self._owners = frozenset((owner,) if isinstance(owner, str) else owner)

    def sign(self) -> None:
        """Sign the present end of the chain, where this home signs."""
        self._journal.sign()

    def owner_says(self, actor: Actor) -> bool:
        """Tell whether an actor is the configured owner on any channel."""
        return actor.name in self._owners or str(actor) in self._owners

    def freeze(self) -> Freeze:
        """Read the emergency stop; an unreadable flag counts as active."""
        return read_freeze(self._journal.home)

    def set_freeze(self, by: str, reason: str) -> Freeze:
        """Set the emergency stop, and record it when the database can be written.

        Raises:
            YourFault: the home cannot be written.
        """
        freeze = set_freeze(self._journal.home, by=by, reason=reason, since=self._journal.clock())
        self._tell(EventKind.FREEZE_SET, by, reason)
        return freeze

    def lift_freeze(self, by: str) -> Freeze:
        """Lift the emergency stop, and record it when there was one and the database can be written.

        Raises:
            YourFault: the flag cannot be removed.
        """
        if lift_freeze(self._journal.home):
            self._tell(EventKind.FREEZE_LIFTED, by, "")
        return self.freeze()

    def _tell(self, kind: EventKind, by: str, reason: str) -> None:
        event = Event(kind, self._journal.clock(), actor=by, data={"reason": reason})
        # The stop must work while the database does not; the flag itself is the truth.
        with contextlib.suppress(KeelwayError):
            self.record(event)


_check: type[Ledger] = SqlLedger
