"""What earlier tasks learnt: asked once, told as data, and refused when it comes again; and what a task teaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keelway.core.errors import KeelwayError
from keelway.core.lesson.history import REPEATED, history_of, plan_in, told_in
from keelway.core.lesson.lesson import Lesson
from keelway.core.lesson.signature import signature_of
from keelway.core.lesson.strategy import Strategy
from keelway.core.lesson.teach import Ending, lessons_of
from keelway.core.lesson.tell import TOLD_MAX, chosen, refusal, repeated, told
from keelway.core.model.event import EventKind
from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding, failed
from keelway.routines.context import Context
from keelway.routines.outcome import outcome_of, raise_error

QUERY_CHARS_MAX = 4_000
_EVENTS_MAX = 10_000
_PATCH = "lessons"


@dataclass(frozen=True)
class Again:
    """Say why a patch is not tried again."""

    findings: tuple[Finding, ...]
    same_as: tuple[Finding, ...]
    """The failure that it counts as."""


class Learnt:
    """Hold what earlier tasks learnt for one run of a stage; all of it comes from recorded steps.

    A run that began before there were lessons goes on without them.
    """

    def __init__(self, ctx: Context, problem: str = "") -> None:
        """Look up what is known about a problem: a failure or a request."""
        self._ctx = ctx
        self.active = ctx.engine.patch(_PATCH)
        self._similar: tuple[Lesson, ...] = ()
        self._about: tuple[Lesson, ...] = ()
        self._tries: dict[str, tuple[int, tuple[Finding, ...]]] = {}
        self.look("lessons", problem)

    def search(self, query: str) -> None:
        """Look for lessons of tasks that have words in common."""
        if self.active:
            ctx = self._ctx
            asked = query[:QUERY_CHARS_MAX]
            self._similar = ctx.read("similar lessons", ctx.ledger.lessons, asked, limit=TOLD_MAX)

    def look(self, name: str, problem: str) -> None:
        """Look up what is known about another problem from here on."""
        if self.active and problem:
            self._about = self._ctx.read(name, self._ctx.ledger.lessons_for, problem)

    def told(self, name: str) -> tuple[str, ...]:
        """Return what an agent is told, one line a lesson, and record which lessons those are."""
        lessons = chosen(self._about, self._similar)
        if lessons:
            self._ctx.record(EventKind.LESSON_TOLD, name, lessons=[lesson.number for lesson in lessons])
        return told(lessons)

    def failed(self, strategy: Strategy) -> Lesson | None:
        """Return the lesson that says that this way failed for the present problem."""
        return repeated(strategy, self._about) if self.active else None

    def tried(self, turn: int, tree_sha: str, reasons: tuple[Finding, ...], *, half_done: bool) -> None:
        """Remember that a tree did not pass, and look up what is known about its failure."""
        if not half_done:
            self._tries[tree_sha] = (turn, reasons)
        self.look(f"lessons:{turn}", signature_of(reasons))

    def again(self, tree_sha: str, strategy: Strategy, open_now: tuple[Finding, ...]) -> Again | None:
        """Return why a patch is not tried again: the same tree failed here, or the same patch in another task.

        Args:
            tree_sha: the tree of the patch on the present base.
            strategy: what the patch is.
            open_now: what was wrong before the patch.
        """
        if not self.active:
            return None
        if tree_sha in self._tries:
            turn, reasons = self._tries[tree_sha]
            said = f"The files are those of try {turn}, which failed already; nothing new can come of it."
            return Again((failed(REPEATED, said, turn=str(turn)), *reasons), reasons)
        lesson = self.failed(strategy) if strategy.content else None
        if lesson is None:
            return None
        refused = failed(REPEATED, refusal(lesson), lesson=lesson.name)
        still = tuple(finding for finding in open_now if finding.code != REPEATED)
        return Again((refused, *still), (refused,))


def keep_lessons(ctx: Context, task: Task, status: str, code: str, message: str, by: str = "") -> None:
    """Keep what a closed task teaches; nothing that goes wrong here keeps a task from being closed."""
    if not ctx.engine.patch(_PATCH):
        return

    def keep() -> Any:
        def teach() -> list[int]:
            row = ctx.ledger.find(task.id)
            events = [link.event for link in ctx.ledger.events(task=task.id, limit=_EVENTS_MAX)]
            ending = Ending(status, code, message, ctx.engine.wall(), by)
            lessons = lessons_of(task, plan_in(row.plan), history_of(events), ending)
            return [lesson.number for lesson in ctx.ledger.learn(lessons, told_in(events))]

        return outcome_of(teach)

    try:
        raise_error(ctx.engine.step(f"lessons:{task.id}", keep))
    except KeelwayError as error:
        ctx.record(
            EventKind.EFFECT_FAILED, f"lessons:{task.id}:failed", effect="lessons", error=error.message
        )
