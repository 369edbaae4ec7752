"""Questions: one answer each, from a person, before it expires, about exactly what was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from keelway.core.codec import to_json
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.core.rule.approval import Approval, Binding
from keelway.ports.ledger import Question
from keelway.store.books.shelf import ROWS_MAX, Shelf
from keelway.store.chain.journal import Entry
from keelway.store.reading import lenient
from keelway.store.tables import APPROVALS, QUESTIONS

_ANSWER = [column.label(f"answer_{column.name}") for column in APPROVALS.columns]


class Questions(Shelf):
    """Keep questions and their answers."""

    def ask(self, question: Question) -> Question:
        """Record a question once per binding and return it with its answer, if it has one.

        Older open questions of the same task about the same action become void.
        """
        binding = question.binding
        with self._journal.entry() as entry:
            asked = _query().where(QUESTIONS.c.binding_digest == binding.digest)
            found = entry.connection.execute(asked).first()
            if found is not None:
                return _question(found)
            _void_older(entry, question)
            row = {
                "id": question.id,
                "task": question.task,
                "stage": question.stage,
                "action": binding.action,
                "environment": binding.environment,
                "binding": binding,
                "binding_digest": binding.digest,
                "text": question.text,
                "asked_at": question.asked_at,
                "expires_at": question.expires_at,
            }
            entry.connection.execute(insert(QUESTIONS).values(**row))
            data = {"question": question.id, "binding": to_json(binding), "text": question.text}
            event = Event(EventKind.QUESTION_ASKED, entry.at, question.task, question.stage, data=data)
            entry.append(event)
            return _load(entry, question.id)

    def answer(self, question: str, approval: Approval) -> Question:
        """Record the one answer of a person to a question.

        Raises:
            RequestRefused: it is already answered, expired or void.
            YourFault: there is no such question.
        """
        with self._journal.entry() as entry:
            row = entry.connection.execute(_query().where(QUESTIONS.c.id == question)).first()
            if row is None:
                raise YourFault(
                    "unknown_question", f"There is no question {question[:80]!r}.", "keelway tasks"
                )
            refusal = _refusal(row, approval)
            if refusal:
                raise refusal
            still_open = (QUESTIONS.c.id == question, QUESTIONS.c.approval.is_(None))
            claim = update(QUESTIONS).where(*still_open).values(approval=approval.id)
            if entry.connection.execute(claim).rowcount != 1:
                raise _already(row)
            entry.connection.execute(insert(APPROVALS).values(**_columns(question, approval)))
            data = {"question": question, "approval": to_json(approval)}
            actor = str(approval.by)
            event = Event(EventKind.DECISION_MADE, entry.at, row.task, row.stage, actor=actor, data=data)
            entry.append(event)
            return _load(entry, question)

    def withdraw(self, question: str) -> bool:
        """Void an open question whose reason is gone; tell whether it was open."""
        still_open = (
            QUESTIONS.c.id == question,
            QUESTIONS.c.approval.is_(None),
            QUESTIONS.c.voided_at.is_(None),
        )
        with self._journal.entry() as entry:
            change = update(QUESTIONS).where(*still_open).values(voided_at=entry.at)
            if entry.connection.execute(change).rowcount == 0:
                return False
            task = entry.connection.execute(select(QUESTIONS.c.task).where(QUESTIONS.c.id == question))
            entry.note("question", task.scalar_one(), withdrawn=question)
            return True

    def questions(self, *, task: str = "", open_only: bool = True) -> tuple[Question, ...]:
        """Return questions, oldest first; a void one is not open."""
        query = _query().order_by(QUESTIONS.c.asked_at, QUESTIONS.c.id).limit(ROWS_MAX)
        if task:
            query = query.where(QUESTIONS.c.task == task)
        if open_only:
            query = query.where(QUESTIONS.c.approval.is_(None), QUESTIONS.c.voided_at.is_(None))
        return tuple(_question(row) for row in self._journal.read(query))


def _query() -> Select[Any]:
    return select(QUESTIONS, *_ANSWER).outerjoin(APPROVALS, APPROVALS.c.question == QUESTIONS.c.id)


def _load(entry: Entry, question: str) -> Question:
    return _question(entry.connection.execute(_query().where(QUESTIONS.c.id == question)).one())


def _void_older(entry: Entry, question: Question) -> None:
    older = (
        QUESTIONS.c.task == question.task,
        QUESTIONS.c.stage == question.stage,
        QUESTIONS.c.action == question.binding.action,
        QUESTIONS.c.environment == question.binding.environment,
        QUESTIONS.c.approval.is_(None),
        QUESTIONS.c.voided_at.is_(None),
    )
    entry.connection.execute(update(QUESTIONS).where(*older).values(voided_at=entry.at))


def _refusal(row: Row[Any], approval: Approval) -> RequestRefused | None:
    if row.approval is not None:
        return _already(row)
    if row.voided_at is not None or approval.binding_digest != row.binding_digest:
        return RequestRefused(
            "void", "What this question is about has changed; the answer was not recorded.", "keelway tasks"
        )
    if _over(row.expires_at, approval.at):
        return RequestRefused(
            "expired",
            f"This question could be answered until {row.expires_at:%Y-%m-%d %H:%M} UTC.",
            "keelway retry",
        )
    return None


def _over(expires_at: datetime | None, at: datetime) -> bool:
    return expires_at is not None and at >= expires_at


def _already(row: Row[Any]) -> RequestRefused:
    who = f" by {row.answer_answered_by}" if row.answer_answered_by else ""
    return RequestRefused("already_answered", f"This question is already answered{who}.", "keelway tasks")


def _columns(question: str, approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "question": question,
        "binding_digest": approval.binding_digest,
        "answer": approval.answer,
        "remarks": approval.remarks,
        "answered_by": approval.by.name,
        "channel": approval.by.channel,
        "nonce": approval.nonce,
        "own_request": approval.own_request,
        "answered_at": approval.at,
        "expires_at": approval.expires_at,
    }


def _question(row: Row[Any]) -> Question:
    approval = None
    if row.approval is not None:
        approval = Approval(
            id=row.answer_id,
            binding_digest=row.answer_binding_digest,
            answer=row.answer_answer,
            remarks=row.answer_remarks,
            by=Actor(row.answer_answered_by, row.answer_channel),
            at=row.answer_answered_at,
            nonce=row.answer_nonce,
            expires_at=row.answer_expires_at,
            own_request=row.answer_own_request,
        )
    binding = lenient(Binding, row.binding)
    return Question(row.id, row.task, row.stage, binding, row.text, row.asked_at, row.expires_at, approval)
