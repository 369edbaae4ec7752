"""Record what a person answers; whatever does not count is refused and leaves one record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ulid import ULID

from keelway.app.bootstrap import App
from keelway.core.consent.people import MACHINES, People, person_of
from keelway.core.consent.quorum import may_answer
from keelway.core.errors import RequestRefused
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.core.policy import Policy
from keelway.core.rule.approval import REVISE, YES, Approval
from keelway.ports.ledger import Question, TaskRow

ANSWER_VALID_DAYS = 30
REMARKS_CHARS_MAX = 4_000


@dataclass(frozen=True)
class Said:
    """Hold what a person says to a task."""

    answer: str
    by: Actor
    remarks: str = ""
    question: str = ""
    """Id of the question that was shown; empty for the one that waits."""
    digest: str = ""
    """Digest, or its beginning, of what was shown; empty when the question alone is meant."""
    nonce: str = ""
    """One-time code of a link; empty makes one."""


class Decisions:
    """Record answers for one project."""

    def __init__(self, app: App, wake: Callable[[TaskRow], None], now: Callable[[], datetime]) -> None:
        self._app, self._wake, self._now = app, wake, now

    def people(self, task: str) -> People:
        """Return everybody whose answer may count for a task."""
        project = self._app.config.project
        return People(project.owner, self.policy(task).intake.allowed_actors, project.people)

    def policy(self, task: str) -> Policy:
        """Return the policy of a task: the one that its base states within what the operator allows."""
        pin = self._app.policies.pinned(task)
        return self._app.config.policy if pin is None else pin.policy

    def answer(self, task: str, said: Said) -> Question:
        """Record an answer to the question of a task and wake its story.

        Raises:
            RequestRefused: it does not count; nothing is changed, and one record says why.
        """
        row = self._app.ledger.find(task)
        try:
            question = self._meant(row, said)
            answered = self._app.ledger.answer(question.id, self._approval(row, question, said))
        except RequestRefused as refusal:
            self.refused(refusal, said.by, row.task.id, said.question)
            raise
        self._wake(row)
        return answered

    def refused(
        self, refusal: RequestRefused, by: Actor, task: str = "", question: str = "", key: str = ""
    ) -> None:
        """Record that an answer did not count; the same ``key`` is recorded once."""
        data = {"code": refusal.code, "message": refusal.message, "question": question}
        self._app.ledger.record(
            Event(EventKind.DECISION_REFUSED, self._now(), task, actor=str(by), data=data, key=key)
        )

    def _meant(self, row: TaskRow, said: Said) -> Question:
        """Return the question that is answered: the one that was shown, else the latest that waits."""
        waiting = self._app.ledger.questions(task=row.task.id)
        if said.answer == REVISE:
            waiting = tuple(question for question in waiting if question.binding.action == "plan")
        name = row.task.name
        if said.question or said.digest:
            shown = [each for each in waiting if _is_shown(each, said)]
            if waiting and not shown:
                raise RequestRefused(
                    "void",
                    f"What {name} asked has changed since it was shown; the answer was not recorded.",
                    f"keelway show {name}",
                )
            waiting = tuple(shown)
        if not waiting:
            raise RequestRefused("nothing_asked", f"{name} waits for no such answer.", f"keelway show {name}")
        return waiting[-1]

    def _approval(self, row: TaskRow, question: Question, said: Said) -> Approval:
        people, by, now = self.people(row.task.id), said.by, self._now()
        if by.channel in MACHINES:
            raise RequestRefused("approval_by_machine", f"{by} is a program; only a person can answer.")
        person = person_of(by, people)
        if not may_answer(person, people, question.terms, self._wider_circle(question, now)):
            raise RequestRefused(
                "not_allowed", f"{by} may not decide about {row.task.name}.", "ask the owner"
            )
        requester = row.task.request.requested_by
        own = person == (person_of(requester, people) or requester.name)
        if own and said.answer == YES and not question.terms.own_counts:
            raise RequestRefused(
                "approval_own",
                f"{by} asked for {row.task.name}, and its risk needs the yes of another person; the question stays open.",
                "ask another person; policy.review.single_user lets one person do both",
            )
        return Approval(
            str(ULID()),
            question.binding.digest,
            said.answer,
            said.remarks[:REMARKS_CHARS_MAX],
            by,
            now,
            said.nonce or str(ULID()),
            now + timedelta(days=ANSWER_VALID_DAYS),
            own,
            "" if person == by.name else person,
        )

    def _wider_circle(self, question: Question, now: datetime) -> tuple[str, ...]:
        """Return who may answer too, once nobody did in time."""
        review = self.policy(question.task).review
        over = now >= question.asked_at + timedelta(seconds=review.approval_seconds_max)
        return review.escalate_to if review.approval_expiry == "escalate" and over else ()


def _is_shown(question: Question, said: Said) -> bool:
    fits = said.question in {"", question.id}
    return fits and question.binding.digest.removeprefix("sha256:").startswith(
        said.digest.removeprefix("sha256:")
    )
