"""Find the unfinished runs of other workflow schemas in the durable engine's tables, and move them on.

Nothing is launched here: no run works while it is moved. Every move can be repeated after
a kill at any point, because what is about to happen to a run is noted on the run first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
from filelock import FileLock, Timeout

from keelway.engine import fault, schema
from keelway.engine.run.database import Guard, is_sqlite, sqlite_engine
from keelway.engine.run.verbs import STORY
from keelway.engine.upgrade.history import History
from keelway.engine.upgrade.rows import verbs_of

NOTE, QUEUE, START = "keelway_upgrade", "keelway_queue", "keelway_start"
"""Attributes of a run that is being moved: what happens to it, its queue, and where it goes on."""

ADOPT, CLOSE = "adopt", "close"
_QUEUED = ("ENQUEUED", "DELAYED")
_UNFINISHED = [*_QUEUED, "PENDING"]
_SCHEMA_OF_DBOS = "dbos"
_TABLE = "workflow_status"

SUCCESSORS_MAX = 100


@dataclass(frozen=True)
class Stranded:
    """Name a run that nobody takes up, because it belongs to another workflow schema."""

    run: str
    kind: str
    """``story`` or ``stage``."""
    name: str
    schema: str
    """Number of the schema that began it."""
    parent: str
    """The story that called it; empty for a story."""
    queue: str
    status: str
    """``queued``, ``running``, ``adopt`` (being moved) or ``close`` (being ended)."""
    start: int = 0
    """Number of the record from which a run that is being moved goes on."""

    @property
    def newer(self) -> bool:
        """Tell whether a newer Keelway began it; what is no number counts as older."""
        return self.schema.isdigit() and int(self.schema) > int(schema.SCHEMA)

    @property
    def story(self) -> str:
        """Return the id of the story that it belongs to."""
        return self.parent or self.run


class Backlog:
    """See and move the unfinished runs of one database."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._sqlite = is_sqlite(database_url)
        self._database = sqlite_engine(database_url) if self._sqlite else sa.create_engine(database_url)
        self._client = DBOSClient(
            system_database_engine=self._database, serializer=DBOSPortableJSONSerializer(), lazy=True
        )

    @property
    def present(self) -> bool:
        """Tell whether an engine ever worked on this database."""
        return sa.inspect(self._database).has_table(_TABLE, schema=self._schema)

    @contextmanager
    def alone(self, home: Path) -> Iterator[None]:
        """Keep every worker and a second upgrade out meanwhile.

        Raises:
            YourFault: somebody is there already.
        """
        guard: Guard | FileLock
        if self._sqlite:
            guard = FileLock(home / "engine.lock", timeout=0)
            try:
                guard.acquire()
            except Timeout:
                raise fault.already_running(str(home)) from None
            leave: Callable[[], None] = guard.release
        else:
            guard = Guard(self._url, alone=True)
            leave = guard.close
        try:
            yield
        finally:
            leave()

    def stranded(self) -> tuple[Stranded, ...]:
        """Return what nobody takes up and what an interrupted upgrade left, stages before their stories."""
        if not self.present:
            return ()
        found = [run for run in self._runs(_UNFINISHED) if run.app_version != schema.SCHEMA]
        noted = [run.workflow_id for run in self._runs(["CANCELLED"], inputs=False) if _note(run)]
        if noted:
            found += self._client.list_workflows(workflow_ids=noted, load_output=False)
        return tuple(sorted(map(_stranded, found), key=lambda run: (run.kind, run.run)))

    def current(self) -> int:
        """Count the unfinished runs that belong to this schema."""
        if not self.present:
            return 0
        return sum(1 for run in self._runs(_UNFINISHED, inputs=False) if run.app_version == schema.SCHEMA)

    def history(self, run: Stranded) -> History:
        """Return what a run did so far."""
        (found,) = self._client.list_workflows(workflow_ids=[run.run], load_output=False)
        rows = self._client.list_workflow_steps(run.run)
        return History(run.run, run.kind, run.name, _asked(found)[1], verbs_of(run.run, rows))

    def adopt(self, run: Stranded, start: int | None = None) -> None:
        """Let a run go on under this schema, from its first missing record or from an earlier one.

        A run that waits in a queue only changes its number, so that its delay stays as it is.
        """
        if start is None and run.status == "queued" and self._readdress(run):
            return
        start = start or run.start or self._next(run.run)
        if run.status != ADOPT:
            self._leave_note(run, ADOPT, start)
            self._client.cancel_workflow(run.run)
        self._client.rewind_workflow(
            run.run, start_step=start, application_version=schema.SCHEMA, queue_name=run.queue
        )
        self._forget_note(run.run)

    def close_out(
        self,
        runs: Sequence[Stranded],
        successor: Callable[[int], str],
        story: str,
        payload: Callable[[int], Any],
    ) -> None:
        """End a story, which is among its unfinished runs, and start another one that walks its way back.

        Args:
            runs: the story and those of its stages that are unfinished.
            successor: names the n-th run that ends the same task, counted from 1.
            story: the story of that run.
            payload: what the n-th run is asked.
        """
        root = next(run for run in runs if not run.parent)
        number = root.start or self._successor(successor)
        self._leave_note(root, CLOSE, number)
        self._client.cancel_workflow(root.run, cancel_children=True)
        options: EnqueueOptions = {
            "workflow_name": STORY,
            "queue_name": schema.TASKS,
            "workflow_id": successor(number),
            "app_version": schema.SCHEMA,
        }
        self._client.enqueue(options, story, payload(number))
        for run in runs:
            self._forget_note(run.run)

    def _successor(self, successor: Callable[[int], str]) -> int:
        """Return the number of the run that is under way, or else of the next one."""
        for number in range(1, SUCCESSORS_MAX):
            found = self._client.list_workflows(
                workflow_ids=[successor(number)], load_input=False, load_output=False
            )
            if not found or found[0].status in _UNFINISHED:
                return number
        return SUCCESSORS_MAX

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()
        self._database.dispose()

    @property
    def _schema(self) -> str | None:
        return None if self._sqlite else _SCHEMA_OF_DBOS

    def _runs(self, status: list[str], *, inputs: bool = True) -> list[WorkflowStatus]:
        return self._client.list_workflows(status=status, load_input=inputs, load_output=False)

    def _next(self, run: str) -> int:
        rows = self._client.list_workflow_steps(run, load_output=False)
        return max((int(row["function_id"]) for row in rows), default=0) + 1

    def _readdress(self, run: Stranded) -> bool:
        table = sa.table(
            _TABLE,
            sa.column("workflow_uuid"),
            sa.column("status"),
            sa.column("application_version"),
            schema=self._schema,
        )
        change = (
            sa.update(table)
            .where(table.c.workflow_uuid == run.run, table.c.status.in_(_QUEUED))
            .values(application_version=schema.SCHEMA)
        )
        with self._database.begin() as connection:
            return bool(connection.execute(change).rowcount)

    def _leave_note(self, run: Stranded, what: str, start: int) -> None:
        note = {NOTE: f"{what} {schema.SCHEMA}", QUEUE: run.queue, START: start}
        self._client.update_workflow_attributes(run.run, note, merge=True)

    def _forget_note(self, run: str) -> None:
        self._client.update_workflow_attributes(run, {NOTE: None, QUEUE: None, START: None}, merge=True)


def _asked(run: WorkflowStatus) -> tuple[str, Any]:
    """Return the name and the payload of the story or stage that a run was started with."""
    asked: Any = run.input or {}
    words = asked.get("args", ())
    return (str(words[0]), words[1]) if len(words) > 1 else ("", None)


def _note(run: WorkflowStatus) -> str:
    """Return what an interrupted upgrade began with a cancelled run, or nothing."""
    what, _, number = str((run.attributes or {}).get(NOTE) or "").partition(" ")
    moved = number == run.app_version  # it was cancelled later, by a person
    return "" if moved or run.status != "CANCELLED" else what


def _stranded(run: WorkflowStatus) -> Stranded:
    attributes = run.attributes or {}
    waiting = "queued" if run.status in _QUEUED else "running"
    note = _note(run)
    return Stranded(
        run.workflow_id,
        "story" if run.name == STORY else "stage",
        _asked(run)[0],
        run.app_version or "",
        run.parent_workflow_id or "",
        (note and attributes.get(QUEUE)) or run.queue_name or schema.TASKS,
        note or waiting,
        int(attributes.get(START) or 0) if note else 0,
    )
