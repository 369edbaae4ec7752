"""Bring an installation onto this version: backup, book, and every unfinished run, which is adopted or closed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine as Database

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.upkeep import schemas as tables
from keelway.app.upkeep.backup import FOLDER, take
from keelway.app.upkeep.schemas import schemas
from keelway.app.upkeep.store import Say, opened
from keelway.app.view.upgrade import Moved, Upgraded
from keelway.core.codec import to_json
from keelway.core.errors import KeelwayError, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import CLOSED
from keelway.engine import schema
from keelway.ports.ledger import TaskRow
from keelway.routines.order import Undo
from keelway.routines.unwind import OUTGROWN
from keelway.store.database import VERSION
from keelway.store.ledger import SqlLedger
from keelway.store.roster import open_roster
from keelway.workflows.closing import CLOSE_OUT, ENTRIES, Closing, closing_run
from keelway.workflows.stories import DELIVER, on_paper

if TYPE_CHECKING:
    from keelway.engine.upgrade.backlog import Backlog, Stranded
    from keelway.engine.upgrade.replay import Difference

_WAYS_BACK = frozenset({"unwind", "rollback", CLOSE_OUT})
CLOSING = "close"
"""Status of a run whose end an interrupted upgrade began."""

LOOK_SECONDS = 0.2

ROSTER_SINCE = 3
"""Schema of the book that first held the list of workers."""


@dataclass(frozen=True)
class _Group:
    """Hold a story with its unfinished stages, and where each of them leaves today's code."""

    story: str
    runs: tuple[Stranded, ...]
    differences: dict[str, Difference] = field(default_factory=dict)

    @property
    def root(self) -> Stranded:
        """Return the story, or the stage whose story was moved before."""
        return next((run for run in self.runs if run.run == self.story), self.runs[0])

    @property
    def why(self) -> str:
        """Say what does not fit, or nothing."""
        return "; ".join(str(difference) for difference in self.differences.values())

    @property
    def hopeless(self) -> bool:
        """Tell whether a run that has to go on has no record that fits."""
        return any(difference.position < 0 for difference in self.differences.values())

    @property
    def returning(self) -> bool:
        """Tell whether a way back is under way."""
        return any(run.name in _WAYS_BACK for run in self.runs)


def stranded_runs(home: Home) -> int:
    """Count the unfinished runs that no worker of this version takes up."""
    with _backlog(home) as backlog:
        return len(backlog.stranded())


def bring_up(config: Config, home: Home, say: Say, *, dry_run: bool = False) -> Upgraded:
    """Upgrade an installation, or with ``dry_run`` only tell what would happen.

    It may be killed at any point and begun again.

    Raises:
        YourFault: somebody still works on the installation, or a newer Keelway made it.
        TheirFault: the store cannot be reached or written.
    """
    with opened(home) as database, _backlog(home) as backlog:
        upgrading = _Upgrade(config, home, database, backlog, say)
        return upgrading.foresee() if dry_run else upgrading.carry_out()


@contextmanager
def _backlog(home: Home) -> Iterator[Backlog]:
    from keelway.engine.upgrade.backlog import Backlog

    backlog = Backlog(home.database_url)
    try:
        yield backlog
    finally:
        backlog.close()


class _Upgrade:
    """Hold one upgrade under way."""

    def __init__(self, config: Config, home: Home, database: Database, backlog: Backlog, say: Say) -> None:
        self._config, self._home, self._database, self._backlog = config, home, database, backlog
        self._say = say
        self._ledger: SqlLedger | None = None
        self._before = schemas(home, database)
        self._report = Upgraded(schema.SCHEMA, dry_run=False, book_from=self._before.book, book_to=VERSION)

    def foresee(self) -> Upgraded:
        """Tell what would happen; nothing is written."""
        found = self._in_the_way()
        try:
            with self._backlog.alone(self._home.root):
                pass
        except YourFault as somebody:
            found = (*found, somebody.message)
        self._report = replace(self._report, dry_run=True, in_the_way=found)
        if self._before.book == VERSION:
            self._ledger = SqlLedger(self._database, self._home.root)
        for group in self._groups():
            self._settle(group, act=False)
        return replace(self._report, untouched=self._backlog.current())

    def carry_out(self) -> Upgraded:
        """Do it."""
        with self._alone():
            if not self._before.current or self._backlog.stranded():
                self._report = replace(self._report, backup=self._back_up())
            tables.bring_up(self._home, self._say)
            self._ledger = SqlLedger(self._database, self._home.root)
            self._report = replace(self._report, untouched=self._backlog.current())
            for group in self._groups():
                self._settle(group, act=True)
        return self._report

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody work meanwhile; who was killed a moment ago is waited for until its lease is over."""
        with ExitStack() as held:
            try:
                held.enter_context(self._backlog.alone(self._home.root))
            except YourFault:
                self._insist_nobody()
                raise
            end = time.monotonic() + self._config.file.worker.lease_seconds
            while self._in_the_way() and time.monotonic() < end:
                time.sleep(LOOK_SECONDS)
            self._insist_nobody()
            yield

    def _insist_nobody(self) -> None:
        found = self._in_the_way()
        if found:
            raise YourFault(
                "old_workers",
                f"Workers of another workflow schema still work: {', '.join(found)}.",
                "end them with keelway down --server-only on their hosts, then repeat keelway upgrade",
            )

    def _groups(self) -> list[_Group]:
        from keelway.engine.upgrade.replay import first_difference

        stories, stages = on_paper(self._config.project, self._config.policy)
        runs = self._backlog.stranded()
        groups = []
        for story in sorted({run.story for run in runs}):
            mine = tuple(run for run in runs if run.story == story)
            differences = {}
            for run in mine:
                found = first_difference(self._backlog.history(run), stories, stages)
                if found is not None:
                    differences[run.run] = found
            groups.append(_Group(story, mine, differences))
        return sorted(groups, key=lambda group: not group.returning)

    def _settle(self, group: _Group, *, act: bool) -> None:
        row = self._row(group.story)
        closes = _closes(group, row)
        if any(run.newer for run in group.runs):
            self._tell("stranded", group, row, "a newer Keelway began it, install that one again")
        elif (act and row is None) if closes else group.hopeless:
            self._tell("stranded", group, row, group.why)
        elif closes:
            if act and row is not None:
                self._close(group, row)
            self._tell("closed", group, row, group.why or "its end was begun before")
        else:
            if act:
                self._adopt(group, row)
            fits = f"goes on from the last step that fits, as {group.why}"
            self._tell("adopted", group, row, fits if group.why else "goes on where it stood")

    def _adopt(self, group: _Group, row: TaskRow | None) -> None:
        self._record(group, row, "adopted")  # first, so that a kill cannot leave it out of the book
        for run in group.runs:
            difference = group.differences.get(run.run)
            self._backlog.adopt(run, difference.position if difference else None)

    def _close(self, group: _Group, row: TaskRow) -> None:
        undo = Undo(row.task, row.stage, "failed", OUTGROWN, _message(group, row))

        def order(number: int) -> Any:
            return to_json(Closing(undo, (number - 1) * ENTRIES + 1))

        self._record(group, row, "closed")
        self._backlog.close_out(group.runs, lambda number: closing_run(group.story, number), CLOSE_OUT, order)

    def _record(self, group: _Group, row: TaskRow | None, what: str) -> None:
        if self._ledger is None:
            return
        data = {
            "what": f"{what} by schema {schema.SCHEMA}",
            "run": group.story,
            "from": group.root.schema,
            "why": group.why,
        }
        task, key = row.task.id if row else "", f"upgrade:{group.story}:{schema.SCHEMA}:{what}"
        self._ledger.record(Event(EventKind.CONTROL_CHANGED, datetime.now(UTC), task, data=data, key=key))

    def _tell(self, what: str, group: _Group, row: TaskRow | None, detail: str) -> None:
        name = row.task.name if row else ""
        moved = Moved(group.story, group.root.name, name, group.root.schema, detail)
        before: tuple[Moved, ...] = getattr(self._report, what)
        changed: dict[str, Any] = {what: (*before, moved)}
        self._report = replace(self._report, **changed)
        self._say(f"{name or group.story} ({group.root.name}): {what}, {detail}.")

    def _row(self, story: str) -> TaskRow | None:
        if self._ledger is None:
            return None
        try:
            return self._ledger.find(story.partition(":")[0])
        except KeelwayError:
            return None

    def _in_the_way(self) -> tuple[str, ...]:
        """Name who works on the store under another schema number."""
        if self._report.book_from < ROSTER_SINCE:
            return ()
        roster = open_roster(self._home.database_url)
        try:
            lease_seconds = self._config.file.worker.lease_seconds
            return tuple(
                f"{seen.worker.id} (schema {seen.worker.schema})"
                for seen in roster.workers()
                if seen.worker.schema != schema.SCHEMA and seen.state(lease_seconds) == "alive"
            )
        finally:
            roster.close()

    def _back_up(self) -> str:
        ending = "sqlite" if self._database.dialect.name == "sqlite" else "dump"
        folder = self._home.root / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"before-upgrade-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.{ending}"
        return take(self._home, self._say, path).path


def _closes(group: _Group, row: TaskRow | None) -> bool:
    """Tell whether a task has to be ended; ways back, watches and orders go on from the last step that fits."""
    root = group.root
    if root.status == CLOSING:
        return True
    if not group.differences or root.name != DELIVER or root.kind != "story":
        return False
    returning = all(run.name in _WAYS_BACK for run in group.runs if run.run in group.differences)
    return (row is None or row.status not in CLOSED) and not returning


def _message(group: _Group, row: TaskRow) -> str:
    name = row.task.name
    return (
        f"Keelway was upgraded to workflow schema {schema.SCHEMA}, and what {name} had done under schema "
        f"{group.root.schema} does not fit: {group.why}. What it did is undone; keelway retry {name} begins again."
    )
