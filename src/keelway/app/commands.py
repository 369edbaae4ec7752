"""The only ways to alter anything: terminal, page, chat and detectors all come through here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ulid import ULID

from keelway.app.back.orders import BackOrders, Ordered
from keelway.app.bootstrap import App
from keelway.app.consent.decide import Decisions, Said
from keelway.app.consent.links import Links
from keelway.app.ending import Ending
from keelway.app.target.dispatch import confirmed
from keelway.app.target.known import insist_environment
from keelway.core.codec import to_json
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.gate.intake import IntakeFacts, judge_intake
from keelway.core.lesson.lesson import Lesson
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import CLOSED, Status
from keelway.core.model.task import Actor, Request, intent_key
from keelway.core.policy import Policy
from keelway.core.rule.approval import NO, REVISE, YES
from keelway.core.rule.freeze import Freeze
from keelway.core.words.report import refusal
from keelway.ports.engine import Runtime
from keelway.ports.ledger import Question, TaskRow
from keelway.routines.order import DeployOrder
from keelway.workflows.narrator import WAKE

NAME_DIGITS_MAX = 9


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Commands:
    """Carry out what people and detectors want; every refusal leaves everything as it was."""

    def __init__(self, app: App, runtime: Runtime, *, now: Callable[[], datetime] = _utc_now) -> None:
        self.app, self.runtime, self._now = app, runtime, now
        self.ending = Ending(app, runtime)
        self.decisions = Decisions(app, self._wake, now)
        self.links = Links(app, self.decisions, now)
        self.back = BackOrders(app, runtime, self.submit, now)

    def submit(self, request: Request) -> TaskRow:
        """Open a task and start its story.

        Raises:
            RequestRefused: the intake gate said no, or the same intent is open already.
            YourFault: the base branch has uncommitted work, has diverged, or states a policy that cannot be used.
        """
        app, project = self.app, self.app.config.project
        now = self._now()
        dirty = app.doors.forge.origin_dirty()
        if dirty:
            raise YourFault(
                "base_dirty",
                f"{app.config.repository} has uncommitted work on {project.branches.production}: {', '.join(dirty[:5])}.",
                f"git -C {app.config.repository} commit (or git stash), then ask again",
            )
        facts = IntakeFacts(
            request=request,
            duplicate_of="",
            owner=project.owner,
            freeze=app.ledger.freeze(),
            tasks_last_hour=app.ledger.tasks_since(now - timedelta(hours=1)),
        )
        self._insist_admitted(facts, app.config.policy)
        app.doors.forge.refresh()
        pin = app.policies.at_base()
        if pin is not None:
            self._insist_admitted(facts, pin.policy)
        row, fresh = app.ledger.create(request, project.name, intent_key(project.name, request))
        if not fresh:
            self._note_refused(request, "duplicate")
            raise RequestRefused(
                "duplicate", f"{row.task.name} already works on this.", f"keelway show {row.task.name}"
            )
        app.policies.begin(row.task, pin)
        self.runtime.start("deliver", row.task.id, to_json(row.task))
        return row

    def _note_refused(self, request: Request, code: str) -> None:
        self._note(EventKind.TASK_REFUSED, request.requested_by, "", code=code, text=request.text[:500])

    def _insist_admitted(self, facts: IntakeFacts, policy: Policy) -> None:
        request, verdict = facts.request, judge_intake(facts, policy.intake)
        if not verdict.passed:
            self._note_refused(request, verdict.code)
            raise RequestRefused(verdict.code, refusal(request.text[:200], verdict.reasons), "")

    def resubmit_unstarted(self) -> int:
        """Start the stories of open tasks that a crash kept from starting; return how many.

        The others are woken: an answer may have been recorded without its story hearing of it. A task
        whose story is over is closed: it would stand still for ever.
        """
        started = 0
        for row in self.app.ledger.tasks(open_only=True):
            if self.ending.tend(row):
                continue
            if self.runtime.status(row.task.id) == "absent":
                if self.app.policies.pinned(row.task.id) is None:
                    self.app.policies.begin(row.task, self.app.policies.at_base())
                self.runtime.start("deliver", row.task.id, to_json(row.task))
                started += 1
            else:
                self._wake(row)
        return started

    def approve(self, task: str, by: Actor, note: str = "") -> Question:
        """Say yes to the open question of a task.

        Raises:
            RequestRefused: there is no open question, or the answer does not count.
        """
        return self.decide(task, Said(YES, by, note))

    def revise(self, task: str, by: Actor, remarks: str) -> Question:
        """Send the plan back with remarks.

        Raises:
            RequestRefused: no plan of the task waits for an answer.
            YourFault: the remarks are empty.
        """
        return self.decide(task, Said(REVISE, by, remarks))

    def reject(self, task: str, by: Actor, note: str = "") -> Question:
        """Say no to the open question of a task; the task ends.

        Raises:
            RequestRefused: there is no open question.
        """
        return self.decide(task, Said(NO, by, note))

    def decide(self, task: str, said: Said) -> Question:
        """Answer the open question of a task, or exactly the one that ``said`` names.

        Raises:
            RequestRefused: there is no such question, or the answer does not count.
            YourFault: remarks are needed and empty.
        """
        if said.answer == REVISE and not said.remarks.strip():
            raise YourFault(
                "no_remarks", "Say what the plan should do differently.", 'keelway revise T-1 "..."'
            )
        return self.decisions.answer(task, said)

    def pause(self, task: str, by: Actor) -> TaskRow:
        """Hold a task at its next effect."""
        return self._control(task, by, "paused", paused=True)

    def resume(self, task: str, by: Actor) -> TaskRow:
        """Let a paused task go on."""
        return self._control(task, by, "resumed", paused=False)

    def abort(self, task: str, by: Actor) -> TaskRow:
        """End a task wherever it is and undo what it did; its processes end at once.

        A way back that has begun finishes first.
        """
        row = self._control(task, by, "abort asked", abort_by=str(by))
        self.ending.abort(row)
        return row

    def _control(self, task: str, by: Actor, what: str, **fields: object) -> TaskRow:
        row = self._open(task)
        row = self.app.ledger.amend(row.task.id, **fields)
        self._note(EventKind.CONTROL_CHANGED, by, row.task.id, what=what)
        self._wake(row)
        return row

    def retry(self, task: str, by: Actor) -> TaskRow:
        """Try a task that did not get through again, as a new task that names the old one.

        Raises:
            RequestRefused: it is still open, or it is live.
        """
        row = self.app.ledger.find(task)
        if row.status not in {Status.FAILED, Status.ABORTED, Status.ROLLED_BACK}:
            raise RequestRefused(
                "not_retryable", f"{row.task.name} is {row.status.value}.", f"keelway show {row.task.name}"
            )
        again = replace(row.task.request, requested_by=by, requested_at=self._now(), retry_of=row.task.id)
        return self.submit(again)

    def rollback(
        self, what: str, by: Actor, *, to_release: str = "", reason: str = "", restore: bool = False
    ) -> Ordered:
        """Take back a task, or an environment to a release, branch, tag or commit.

        Raises:
            RequestRefused: it is not live, later releases stand on it, or the target never passed the gates.
        """
        return self.back.rollback(what, by, to=to_release, reason=reason, restore=restore)

    def deploy(self, environment: str, ref: str, by: Actor) -> Ordered:
        """Deploy a branch or commit by hand.

        Raises:
            YourFault: no such environment or commit.
        """
        insist_environment(self.app.config.project, environment)
        self.app.doors.forge.refresh()
        sha = self.app.doors.forge.resolve(ref or self.app.config.project.branches.production)
        order = DeployOrder(str(ULID()), environment, sha, by)
        self._note(EventKind.CONTROL_CHANGED, by, "", what="deploy ordered", order=order.id, sha=sha)
        self.runtime.start("deploy", order.id, to_json(order))
        return Ordered(order.id, f"{sha[:12]} is being deployed to {environment}.")

    def confirm(self, environment: str, release: str, by: Actor, refused: str = "") -> str:
        """Say that a release which is deployed by hand is live, or why it is not; return its commit.

        Raises:
            YourFault: there is no such release, another one is live, or nobody's word is needed there.
        """
        target = confirmed(self.app.doors.target, environment)
        sha = target.confirm(environment, release, refused)
        what = f"refused: {refused[:500]}" if refused else "deployed by hand"
        self._note(
            EventKind.CONTROL_CHANGED, by, "", what=what, environment=environment, release=release, sha=sha
        )
        return sha

    def forget_lesson(self, name: str, by: Actor) -> Lesson:
        """Remove what a task taught, so that no agent is told it any more.

        Raises:
            YourFault: there is no such lesson.
        """
        number = name.strip().upper().removeprefix("L-")
        known = number.isascii() and number.isdigit() and len(number) <= NAME_DIGITS_MAX
        return self.app.ledger.forget_lesson(int(number) if known else 0, str(by))

    def freeze(self, by: Actor, reason: str) -> Freeze:
        """Hold every effect of every task."""
        return self.app.ledger.set_freeze(str(by), reason)

    def unfreeze(self, by: Actor) -> Freeze:
        """Let effects go on."""
        return self.app.ledger.lift_freeze(str(by))

    def _open(self, task: str) -> TaskRow:
        row = self.app.ledger.find(task)
        if row.status in CLOSED:
            raise RequestRefused(
                "task_closed",
                f"{row.task.name} is {row.status.value} already.",
                f"keelway show {row.task.name}",
            )
        return row

    def _wake(self, row: TaskRow) -> None:
        self.runtime.send(row.task.id, WAKE, {"status": row.status.value})

    def _note(self, kind: EventKind, by: Actor, task: str, **data: object) -> None:
        self.app.ledger.record(Event(kind, self._now(), task, actor=str(by), data=dict(data)))
