"""Questions: one answer of each person, before it expires, about exactly what was asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from keelway.core.codec import to_json
from keelway.core.consent.quorum import Terms
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.core.rule.approval import Approval, Binding, settled
from keelway.ports.ledger import Question
from keelway.store.books.shelf import ROWS_MAX, Shelf
from keelway.store.chain.journal import Entry
from keelway.store.reading import lenient
from keelway.store.tables import APPROVALS, QUESTIONS


class Questions(Shelf):
    """Keep questions and their answers."""

    def ask(self, question: Question) -> Question:
        """Record a question once per binding and return it with its answers.

        Older open questions of the same task about the same action become void. A question that was
        asked before gets the terms of this asking: it opens again when its answers no longer meet them,
        or when it was void and nobody had answered.
        """
        binding = question.binding
        with self._journal.entry() as entry:
            asked = select(QUESTIONS).where(QUESTIONS.c.binding_digest == binding.digest)
            found = entry.connection.execute(asked).first()
            if found is not None:
                return _asked_again(entry, _load(entry, found.id), question)
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
                "terms": question.terms,
                "asked_at": question.asked_at,
                "expires_at": question.expires_at,
            }
            entry.connection.execute(insert(QUESTIONS).values(**row))
            data = {"question": question.id, "binding": to_json(binding), "text": question.text}
            event = Event(EventKind.QUESTION_ASKED, entry.at, question.task, question.stage, data=data)
            entry.append(event)
            return _load(entry, question.id)

    def answer(self, question: str, approval: Approval) -> Question:
        """Record the one answer of a person to a question; it closes once its terms are met.

        Raises:
            RequestRefused: it is answered, by anybody or by this person, expired or void, or the code was used.
            YourFault: there is no such question.
        """
        with self._journal.entry() as entry:
            found = entry.connection.execute(select(QUESTIONS.c.id).where(QUESTIONS.c.id == question)).first()
            if found is None:
                raise YourFault(
                    "unknown_question", f"There is no question {question[:80]!r}.", "keelway tasks"
                )
            asked = _load(entry, question)
            refusal = _refusal(asked, approval) or _used(entry.connection, approval)
            if refusal:
                raise refusal
            entry.connection.execute(insert(APPROVALS).values(**_columns(question, approval)))
            closing = settled((*asked.answers, approval), asked.terms)
            if closing is not None:
                _close(entry, question, closing.id)
            data = {"question": question, "approval": to_json(approval), "closes": closing is not None}
            actor = str(approval.by)
            event = Event(EventKind.DECISION_MADE, entry.at, asked.task, asked.stage, actor=actor, data=data)
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
        query = select(QUESTIONS).order_by(QUESTIONS.c.asked_at, QUESTIONS.c.id).limit(ROWS_MAX)
        if task:
            query = query.where(QUESTIONS.c.task == task)
        if open_only:
            query = query.where(QUESTIONS.c.approval.is_(None), QUESTIONS.c.voided_at.is_(None))
        rows = self._journal.read(query)
        answers = select(APPROVALS).where(APPROVALS.c.question.in_([row.id for row in rows]))
        given = self._journal.read(answers.order_by(APPROVALS.c.answered_at, APPROVALS.c.id)) if rows else ()
        return tuple(_question(row, (each for each in given if each.question == row.id)) for row in rows)


def _load(entry: Entry, question: str) -> Question:
    run = entry.connection.execute
    row = run(select(QUESTIONS).where(QUESTIONS.c.id == question)).one()
    answers = select(APPROVALS).where(APPROVALS.c.question == question)
    return _question(row, run(answers.order_by(APPROVALS.c.answered_at, APPROVALS.c.id)).all())


def _asked_again(entry: Entry, asked: Question, question: Question) -> Question:
    """Hold a question that was asked before against the terms of now; what became void counts anew."""
    terms, void = question.terms, asked.voided_at is not None and asked.approval is None
    if asked.terms == terms and not void:
        return asked
    changes: dict[str, Any] = {"terms": terms}
    if void:
        _void_older(entry, question)
        changes |= {"voided_at": None, "asked_at": question.asked_at, "expires_at": question.expires_at}
    entry.connection.execute(update(QUESTIONS).where(QUESTIONS.c.id == asked.id).values(**changes))
    closing = settled(asked.answers, terms)
    _close(entry, asked.id, closing.id if closing else None)
    data = {
        "question": asked.id,
        "binding": to_json(asked.binding),
        "text": asked.text,
        "terms": to_json(terms),
    }
    entry.append(Event(EventKind.QUESTION_ASKED, entry.at, asked.task, asked.stage, data=data))
    return _load(entry, asked.id)


def _close(entry: Entry, question: str, approval: str | None) -> None:
    entry.connection.execute(update(QUESTIONS).where(QUESTIONS.c.id == question).values(approval=approval))


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


def _refusal(asked: Question, approval: Approval) -> RequestRefused | None:
    if asked.approval is not None:
        who = str(asked.approval.by)
        return RequestRefused(
            "already_answered", f"This question is already answered by {who}.", "keelway tasks"
        )
    if asked.voided_at is not None or approval.binding_digest != asked.binding.digest:
        return RequestRefused(
            "void", "What this question is about has changed; the answer was not recorded.", "keelway tasks"
        )
    if _over(asked.expires_at, approval.at):
        return RequestRefused(
            "expired",
            f"This question could be answered until {asked.expires_at:%Y-%m-%d %H:%M} UTC.",
            "keelway retry",
        )
    if any(each.who == approval.who for each in asked.answers):
        return RequestRefused(
            "already_said", f"{approval.who} has answered this question; others have to.", "keelway tasks"
        )
    return None


def _over(expires_at: datetime | None, at: datetime) -> bool:
    return expires_at is not None and at >= expires_at


def _used(connection: Connection, approval: Approval) -> RequestRefused | None:
    """Refuse a one-time code that an answer was given with before."""
    same = select(APPROVALS.c.id).where(APPROVALS.c.nonce == approval.nonce)
    if connection.execute(same).first() is None:
        return None
    return RequestRefused("code_used", "An answer was given with this code already.", "ask for a new link")


def _columns(question: str, approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "question": question,
        "binding_digest": approval.binding_digest,
        "answer": approval.answer,
        "remarks": approval.remarks,
        "answered_by": approval.by.name,
        "person": approval.who,
        "channel": approval.by.channel,
        "nonce": approval.nonce,
        "own_request": approval.own_request,
        "answered_at": approval.at,
        "expires_at": approval.expires_at,
    }


def _question(row: Row[Any], given: Iterable[Row[Any]]) -> Question:
    answers = tuple(map(_approval, given))
    return Question(
        id=row.id,
        task=row.task,
        stage=row.stage,
        binding=lenient(Binding, row.binding),
        text=row.text,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        approval=next((each for each in answers if each.id == row.approval), None),
        terms=Terms() if row.terms is None else lenient(Terms, row.terms),
        answers=answers,
        voided_at=row.voided_at,
    )


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        id=row.id,
        binding_digest=row.binding_digest,
        answer=row.answer,
        remarks=row.remarks,
        by=Actor(row.answered_by, row.channel),
        at=row.answered_at,
        nonce=row.nonce,
        expires_at=row.expires_at,
        own_request=row.own_request,
        person="" if row.person == row.answered_by else row.person,
    )
