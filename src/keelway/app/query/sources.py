"""Where answers come from, and the names of tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.target.known import insist_environment
from keelway.app.view import make
from keelway.app.view.task import TaskLine
from keelway.core.errors import KeelwayError, YourFault
from keelway.ports.engine import Runtime
from keelway.ports.forge import CheckRun
from keelway.ports.ledger import Ledger, TaskRow
from keelway.routines.context import Doors


@dataclass(frozen=True)
class Sources:
    """Hold where answers come from; without doors and a runtime only the book is read."""

    config: Config
    home: Home
    ledger: Ledger
    checks: Callable[[str], tuple[CheckRun, ...]]
    doors: Doors | None = None
    runtime: Runtime | None = None


class Desk:
    """Read the book; what only a running control plane knows is refused without one."""

    def __init__(self, sources: Sources) -> None:
        self._from = sources
        self._ledger = sources.ledger
        self._names: dict[str, str] = {}

    def _doors(self) -> Doors:
        if self._from.doors is None:
            raise not_running()
        return self._from.doors

    def _known(self, environment: str) -> str:
        return insist_environment(self._from.config.project, environment)

    def _lines(self, rows: tuple[TaskRow, ...]) -> tuple[TaskLine, ...]:
        self._names.update({row.task.id: row.task.name for row in rows})
        questions = self._ledger.questions()
        return tuple(make.task_line(row, questions) for row in rows)

    def _name(self, task: str) -> str:
        if task and task not in self._names:
            try:
                self._names[task] = self._ledger.find(task).task.name
            except YourFault:
                return ""
        return self._names.get(task, "")


def not_running() -> KeelwayError:
    """Make the error of what needs the control plane."""
    return KeelwayError("not_running", "This needs the control plane, which does not run.", "keelway up")
