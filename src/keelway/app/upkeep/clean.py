"""Clear away what ended tasks and dead processes left: workspaces, branches, leases, checkouts, agents.

A task whose story ended without closing it is closed. Nothing else of an open task is touched, nor of one that ended a moment ago, whose last run may still be putting
things away. Everything may be repeated, and each round does a bounded share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar, runtime_checkable

from keelway.app.bootstrap import App
from keelway.app.crew.far import Sweeping
from keelway.app.crew.seat import HUB
from keelway.app.ending import Ending
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import CLOSED
from keelway.ports.engine import Runtime
from keelway.ports.ledger import TaskRow

T = TypeVar("T")

ROUND_SECONDS = 60.0
QUIET_SECONDS = 30.0
"""A task is left alone so long after its end."""
OPEN_MAX = 10_000
ROUND_MAX = 200
"""At most so many things of a kind are removed in one round."""
TENDED_MAX = 50
"""So many open tasks are looked at in one round, in turns: each look asks the engine."""

_ENDED = frozenset({"absent", "done", "failed", "cancelled"})
_log = logging.getLogger("keelway.upkeep")


@runtime_checkable
class Rooms(Protocol):
    """Know which workspaces there are."""

    def rooms(self) -> tuple[str, ...]:
        """Return the names of the workspaces that are here, or of which something is left."""
        ...


@runtime_checkable
class Repository(Protocol):
    """Know the branches of a repository that is here."""

    def work_branches(self) -> tuple[str, ...]:
        """Return the branches that are not protected."""
        ...

    def delete_branch(self, branch: str, *, key: str) -> None:
        """Remove a task branch; protected branches are refused."""
        ...

    def forget_parts(self, count_max: int) -> int:
        """Remove the names of composed commits and return how many; the commits stay."""
        ...


@dataclass(frozen=True)
class Cleaned:
    """Count what was removed."""

    workspaces: int = 0
    branches: int = 0
    parts: int = 0
    leases: int = 0
    checkouts: int = 0
    agents: int = 0
    stories: int = 0
    """Open tasks whose story had ended: each is being closed."""

    @property
    def total(self) -> int:
        """Return how much it was altogether."""
        return sum(asdict(self).values())


class Cleaner(Rounds):
    """Clean at the start and every minute; a failing round is logged and tried again."""

    def __init__(
        self,
        app: App,
        runtime: Runtime,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        super().__init__(
            self.clean,
            round_seconds,
            _log,
            name="cleaner",
            failed="A round of the clean-up failed.",
            at_once=True,
        )
        self._app, self._runtime, self._now = app, runtime, now
        self._turn = 0

    def clean(self) -> Cleaned:
        """Do one round, record it when there was something to remove, and return what it was."""
        done = Cleaned(
            workspaces=self._workspaces(),
            branches=self._branches(),
            parts=self._parts(),
            leases=self._leases(),
            checkouts=self._checkouts(),
            agents=self._app.doors.agent.reap(),
            stories=self._stories(),
        )
        if done.total:
            removed = {name: count for name, count in asdict(done).items() if count}
            data = {"record": "clean-up", "removed": removed}
            self._app.ledger.record(Event(EventKind.CONTROL_CHANGED, self._now(), data=data))
            _log.info("Cleared away: %s.", removed)
        return done

    def _stories(self) -> int:
        """Close tasks that would stand still for ever, because their story broke or was lost."""
        rows = self._app.ledger.tasks(open_only=True, limit=OPEN_MAX)
        self._turn = 0 if self._turn >= len(rows) else self._turn
        batch, self._turn = rows[self._turn : self._turn + TENDED_MAX], self._turn + TENDED_MAX
        ending = Ending(self._app, self._runtime)
        return sum(self._stands_still(row) and ending.tend(row) for row in batch if self._quiet(row))

    def _stands_still(self, row: TaskRow) -> bool:
        """Ask the story first: it may have closed the task since the row was read."""
        if self._runtime.status(row.task.id) not in _ENDED - {"absent"}:
            return False
        return self._app.ledger.find(row.task.id).status not in CLOSED

    def _workspaces(self) -> int:
        sandbox = self._app.doors.sandbox
        if not isinstance(sandbox, Rooms):
            return 0
        found = {name: name.removesuffix("-plan").removesuffix("-review") for name in sandbox.rooms()}
        still = (
            {row.task.name for row in self._app.ledger.tasks(open_only=True, limit=OPEN_MAX)}
            if found
            else set()
        )
        over = (name for name, task in found.items() if task not in still and self._over(task))
        return self._each(over, sandbox.close)

    def _branches(self) -> int:
        forge = self._app.doors.forge
        if not isinstance(forge, Repository):
            return 0
        there = set(forge.work_branches())
        if not there:
            return 0
        rows = {row.branch: row for row in self._app.ledger.tasks(limit=ROUND_MAX) if row.branch in there}
        over = [branch for branch, row in rows.items() if self._row_over(row)]
        return self._each(over, lambda name: forge.delete_branch(name, key=f"clean-up/{name}"))

    def _parts(self) -> int:
        forge = self._app.doors.forge
        return forge.forget_parts(ROUND_MAX) if isinstance(forge, Repository) else 0

    def _leases(self) -> int:
        ledger = self._app.ledger
        held = [lease for lease in ledger.leases() if lease.environment != HUB]
        over = [lease for lease in held if self._holder_over(lease.holder)]
        return self._each(over, ledger.release)

    def _checkouts(self) -> int:
        ci = self._app.doors.ci
        return ci.sweep() if isinstance(ci, Sweeping) else 0

    def _holder_over(self, holder: str) -> bool:
        """Tell whether who holds a lease has ended: a task, or an order that is no task."""
        try:
            return self._row_over(self._app.ledger.find(holder))
        except KeelwayError:
            return self._runtime.status(holder) in _ENDED - {"absent"}

    def _over(self, name: str) -> bool:
        try:
            return self._row_over(self._app.ledger.find(name))
        except KeelwayError:
            return False  # what nobody knows is nobody's to remove

    def _row_over(self, row: TaskRow) -> bool:
        if (
            row.status not in CLOSED
            or not self._quiet(row)
            or self._runtime.status(row.task.id) not in _ENDED
        ):
            return False
        return not Ending(self._app, self._runtime).closing(row)

    def _quiet(self, row: TaskRow) -> bool:
        return row.updated_at is None or self._now() - row.updated_at > timedelta(seconds=QUIET_SECONDS)

    def _each(self, things: Iterable[T], remove: Callable[[T], None]) -> int:
        count = 0
        for thing in things:
            if count == ROUND_MAX or self._stop.is_set():
                break
            try:
                remove(thing)
            except (KeelwayError, OSError) as error:
                _log.warning("%s was not cleared away: %s", thing, error)
            else:
                count += 1
        return count
