"""What may be asked about tasks."""

from __future__ import annotations

from pathlib import Path

from keelway.app.query.costs import CostQueries
from keelway.app.view import make
from keelway.app.view.explain import explain
from keelway.app.view.sentence import is_loud
from keelway.app.view.task import (
    CheckView,
    Explanation,
    Happened,
    LessonView,
    LogView,
    PatchView,
    PlanView,
    TaskLine,
    TaskView,
    Transcript,
)
from keelway.core.errors import RequestRefused
from keelway.core.judge.flaky import FlakyTest, flaky_book
from keelway.core.model.event import EventKind, Link
from keelway.core.model.lifecycle import CLOSED
from keelway.core.words.text import clean
from keelway.ports.ledger import TaskRow

EVENTS_PAGE, EVENTS_MAX, LATEST = 1_000, 10_000, 40
TRANSCRIPTS_MAX, TAIL_BYTES = 10, 20_000


class TaskQueries(CostQueries):
    """Answer questions about tasks."""

    def tasks(self, *, open_only: bool = False, limit: int = 50) -> tuple[TaskLine, ...]:
        """Return tasks, newest first."""
        return self._lines(self._ledger.tasks(open_only=open_only, limit=limit))

    def task(self, task: str) -> TaskView:
        """Show everything about a task.

        Raises:
            YourFault: there is none.
        """
        row = self._ledger.find(task)
        links = self._links(row)
        name = row.task.name
        asked = self._ledger.questions(task=row.task.id, open_only=False)
        deployments = [entry for entry in self._ledger.deployments() if entry.task == row.task.id]
        return TaskView(
            line=self._lines((row,))[0],
            request=clean(row.task.request.text),
            branch=row.branch,
            pull_request=row.pull_request,
            commit_sha=row.commit_sha,
            retry_of=self._name(row.task.request.retry_of),
            plan_version=row.plan_version,
            plan=row.plan,
            stages=make.stages_of(links, row.status.value),
            gates=make.gates_of(links),
            questions=tuple(make.asked(each, name, asked) for each in asked),
            checks=self._checks(row),
            deployments=tuple(make.deployment_view(entry, self._name) for entry in deployments),
            costs=self.costs_of(row.task.id),
            caps=() if row.status in CLOSED else self.caps_of(row.task.id, row.stage),
            artefacts=self.artefacts(row.task.id),
            events=tuple(make.happened(link, self._name) for link in links if is_loud(link.event))[-LATEST:],
            lessons=tuple(map(make.lesson_view, self._ledger.lessons(task=name, limit=LATEST))),
        )

    def lessons(self, query: str = "", *, limit: int = 20) -> tuple[LessonView, ...]:
        """Return what tasks learnt: the best answers to a query, or the newest."""
        return tuple(map(make.lesson_view, self._ledger.lessons(query, limit=limit)))

    def timeline(self, *, after: int = 0, task: str = "", limit: int = 200) -> tuple[Happened, ...]:
        """Return events after a sequence number, oldest first."""
        identity = self._ledger.find(task).task.id if task else ""
        links = self._ledger.events(task=identity, after=after, limit=min(limit, EVENTS_PAGE))
        return tuple(make.happened(link, self._name) for link in links)

    def flaky(self) -> tuple[FlakyTest, ...]:
        """Return the tests that were seen to fail by chance, the most frequent first."""
        booked, after = [], 0
        while links := self._ledger.events(after=after, limit=EVENTS_PAGE):
            after = links[-1].sequence
            booked += [
                (link.event.data, link.event.at, self._name(link.event.task))
                for link in links
                if link.event.kind is EventKind.TESTS_FLAKY
            ]
        return flaky_book(booked)

    def plan(self, task: str) -> PlanView:
        """Show the plan of a task and the question about it."""
        row = self._ledger.find(task)
        about = [
            question
            for question in self._ledger.questions(task=row.task.id, open_only=False)
            if question.binding.action == "plan"
        ]
        question = make.asked(about[-1], row.task.name) if about else None
        return PlanView(row.task.name, row.plan_version, row.risk, row.plan, question)

    def diff(self, task: str) -> PatchView:
        """Show the patch of a task.

        Raises:
            RequestRefused: there is none yet.
            KeelwayError: the control plane does not run.
        """
        row, doors = self._ledger.find(task), self._doors()
        if row.pull_request is not None:
            pull = doors.forge.pull(row.pull_request)
            base, head = pull.base_sha, pull.head_sha
        elif row.branch:
            base = doors.forge.head(self._from.config.project.branches.integration)
            head = doors.forge.head(row.branch)
        else:
            raise RequestRefused(
                "no_patch", f"{row.task.name} has no patch yet.", f"keelway watch {row.task.name}"
            )
        return PatchView(row.task.name, base, head, clean(doors.forge.patch(base, head)))

    def logs(self, task: str, *, stage: str = "") -> LogView:
        """Show what the stages said, and the end of what the agents said."""
        row = self._ledger.find(task)
        stages = make.stages_of(self._links(row), row.status.value)
        shown = tuple(each for each in stages if each.status != "waiting" and stage in {"", each.stage})
        kept = self.artefacts(row.task.id)
        return LogView(row.task.name, shown, self._checks(row), self._transcripts(row.task.name), kept)

    def explain(self, task: str) -> Explanation:
        """Say why a task is where it is."""
        view = self.task(task)
        freeze, policy = self._ledger.freeze(), self._from.config.policy
        return explain(view.line, view.gates, view.stages, view.questions, freeze, policy)

    def _links(self, row: TaskRow) -> list[Link]:
        links: list[Link] = []
        while len(links) < EVENTS_MAX:
            after = links[-1].sequence if links else 0
            page = self._ledger.events(task=row.task.id, after=after, limit=EVENTS_PAGE)
            links += page
            if len(page) < EVENTS_PAGE:
                break
        return links

    def _checks(self, row: TaskRow) -> tuple[CheckView, ...]:
        doors = self._from.doors
        sha = row.commit_sha
        if doors is not None and row.pull_request is not None:
            sha = doors.forge.pull(row.pull_request).head_sha
        runs = self._from.checks(sha) if sha else ()
        return tuple(CheckView(run.name, run.sha, run.passed, run.examined, run.detail) for run in runs)

    def _transcripts(self, task: str) -> tuple[Transcript, ...]:
        found = sorted(self._from.home.agents.glob(f"{task}-*/transcript.jsonl"))[-TRANSCRIPTS_MAX:]
        return tuple(Transcript(path.parent.name, str(path), _tail(path)) for path in found)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return clean(stream.read(TAIL_BYTES).decode("utf-8", "replace"))
    except OSError as problem:
        return f"(cannot be read: {problem.strerror})"
