"""Bring tasks to their end from outside their story: abort them, close what stands still, end their processes."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.app.bootstrap import App
from keelway.core.codec import to_json
from keelway.core.model.event import EventKind
from keelway.ports.engine import Runtime
from keelway.ports.ledger import TaskRow
from keelway.routines.order import Undo
from keelway.routines.unwind import CUT_OFF
from keelway.workflows.closing import CLOSE_OUT, ENTRIES, Closing, closing_run
from keelway.workflows.narrator import WAKE

CLOSINGS_MAX = 5
"""Runs that close one task by themselves; after that a person has to abort it again."""

_OVER = frozenset({"done", "failed", "cancelled"})
_EVENTS_MAX = 10_000


@dataclass(frozen=True)
class Ending:
    """End tasks of one application on one engine."""

    app: App
    runtime: Runtime

    def end_processes(self, row: TaskRow) -> bool:
        """End the agents and checks of a task on this machine now; tell whether there were any."""
        ran = (self.app.doors.agent.cancel(row.task.name), self.app.doors.ci.end(row.task.id))
        return any(ran)

    def abort(self, row: TaskRow) -> None:
        """Cut the story of a task off and start the run that undoes what it did.

        The wish is in the book already. A way back that has begun finishes by itself: it is only woken.
        """
        self.end_processes(row)
        if self._way_back_begun(row) or self.closing(row):
            self.runtime.send(row.task.id, WAKE, {"status": row.status.value})
            return
        self.runtime.cancel(row.task.id)
        self._close(row)

    def closing(self, row: TaskRow) -> bool:
        """Tell whether a run that closes the task is under way."""
        return self._last(row)[1] not in {"absent", *_OVER}

    def tend(self, row: TaskRow) -> bool:
        """Close an open task whose story is over or was cut off without a successor; tell whether it had to be.

        A task without a story is not touched, unless it was aborted.
        """
        status = self.runtime.status(row.task.id)
        if status not in _OVER and not (row.abort_by and status == "absent"):
            return False
        number, last = self._last(row)
        if last not in {"absent", *_OVER} or number >= CLOSINGS_MAX:
            return False
        self._close(row)
        return True

    def _last(self, row: TaskRow) -> tuple[int, str]:
        """Return number and status of the newest run that closes a task; 0 and ``absent`` without one."""
        found = (0, "absent")
        for number in range(1, 100):
            status = self.runtime.status(closing_run(row.task.id, number))
            if status == "absent":
                break
            found = (number, status)
        return found

    def _close(self, row: TaskRow) -> None:
        number = self._last(row)[0] + 1
        order = Closing(self._undo(row), (number - 1) * ENTRIES + 1)
        self.runtime.start(CLOSE_OUT, closing_run(row.task.id, number), to_json(order))

    def _undo(self, row: TaskRow) -> Undo:
        if row.abort_by:
            return Undo(row.task, row.stage, "aborted", "aborted", f"Aborted by {row.abort_by}.")
        why = self.runtime.failure(row.task.id) or "its story ended before the task did"
        said = f"The task was set aside because it cannot go on: {why}"
        return Undo(row.task, row.stage, "failed", CUT_OFF, said[:2_000])

    def _way_back_begun(self, row: TaskRow) -> bool:
        begun = 0
        for link in self.app.ledger.events(task=row.task.id, limit=_EVENTS_MAX):
            begun += link.event.kind is EventKind.ROLLBACK_STARTED
            begun -= link.event.kind is EventKind.ROLLBACK_FINISHED
        return begun > 0
