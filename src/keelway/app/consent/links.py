"""Links that carry one answer: issued for a person, shown by a page, used once."""

from __future__ import annotations

import hashlib
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from keelway.app.bootstrap import App
from keelway.app.consent.decide import Decisions, Said
from keelway.app.view.make import asked
from keelway.app.view.task import Asked, Issued
from keelway.clients.files import read_bounded, write_atomic
from keelway.core.consent.link import ANSWERS, Link, fits_form, form_mark, read_link, write_link
from keelway.core.consent.quorum import may_answer
from keelway.core.errors import RequestRefused, TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.ports.ledger import Question

NAME = "consent.key"
KEY_BYTES, OWNER_ONLY = 32, 0o600
LINK_HOURS = 24
"""How long a link is good, unless its question is over before."""
STRANGERS_MAX = 200
"""So many different unreadable links leave a record of their own in one life of the control plane."""
CHANNEL = "link"
_NOBODY = Actor("unknown", CHANNEL)


@dataclass(frozen=True)
class Shown:
    """Show what a link would answer, and what its form has to send along."""

    asked: Asked
    person: str
    answer: str
    digest: str
    mark: str
    expires_at: datetime


def consent_key(home: Path) -> bytes:
    """Return the key in the home that signs links, made at the first time, readable by its owner only.

    Raises:
        YourFault: the file cannot be used, or others can read it.
    """
    path = home / NAME
    try:
        if not path.exists():
            write_atomic(path, secrets.token_bytes(KEY_BYTES), OWNER_ONLY)
        key = read_bounded(path, KEY_BYTES)
        open_to = stat.S_IMODE(path.stat().st_mode) & 0o077
    except (OSError, TheirFault) as error:
        raise YourFault("consent_key", f"{path} cannot be used: {error}.", f"rm {path}") from error
    if open_to or len(key) != KEY_BYTES:
        raise YourFault(
            "consent_key", f"{path} can be read by others, or holds no key.", f"rm {path}; links become void"
        )
    return key


class Links:
    """Issue, show and use links of one project."""

    def __init__(self, app: App, decisions: Decisions, now: Callable[[], datetime]) -> None:
        self._app, self._decisions, self._now = app, decisions, now
        self._home = hashlib.sha256(str(self._app.home.root).encode()).hexdigest()[:16]
        self._strangers = 0

    def issue(self, task: str, person: str, answer: str, by: Actor) -> Issued:
        """Return a link with which a person can give one answer to the question that waits now.

        Raises:
            RequestRefused: nothing is asked, or the answer of that person would not count.
            YourFault: there is no such answer.
        """
        if answer not in ANSWERS:
            raise YourFault("bad_answer", f"A link answers yes or no, not {answer!r}.", "--answer yes")
        app, now = self._app, self._now()
        row = app.ledger.find(task)
        waiting = app.ledger.questions(task=row.task.id)
        if not waiting:
            raise RequestRefused("nothing_asked", f"{row.task.name} asks nothing.", f"keelway show {task}")
        question = waiting[-1]
        people, wider = (
            self._decisions.people(row.task.id),
            self._decisions.policy(row.task.id).review.escalate_to,
        )
        if not may_answer(person, people, question.terms, wider):
            raise RequestRefused(
                "not_allowed", f"{person} may not decide about {row.task.name}.", "list a [[person]]"
            )
        until = now + timedelta(hours=LINK_HOURS)
        until = min(until, question.expires_at) if question.expires_at else until
        link = Link(
            self._home,
            row.task.id,
            question.id,
            question.binding.digest,
            person,
            answer,
            secrets.token_urlsafe(16),
            until,
        )
        data = {"question": question.id, "person": person, "answer": answer, "until": until.isoformat()}
        app.ledger.record(Event(EventKind.LINK_ISSUED, now, row.task.id, actor=str(by), data=data))
        text = write_link(link, consent_key(app.home.root))
        return Issued(f"/answer/{text}", person, answer, question.id, link.binding_digest, until)

    def show(self, text: str) -> Shown:
        """Return what a link would answer; nothing is changed by it.

        Raises:
            RequestRefused: the link does not count; one record says why.
        """
        key = consent_key(self._app.home.root)
        link, question = self._read(text, key)
        name = self._app.ledger.find(question.task).task.name
        return Shown(
            asked(question, name),
            link.person,
            link.answer,
            link.binding_digest,
            form_mark(text, key),
            link.expires_at,
        )

    def use(self, text: str, mark: str, note: str) -> Asked:
        """Give the answer of a link, once.

        Raises:
            RequestRefused: it does not count; nothing is changed, and one record says why.
        """
        key = consent_key(self._app.home.root)
        link, question = self._read(text, key)
        by = Actor(link.person, CHANNEL)
        if not fits_form(mark, text, key):
            raise self._refuse(
                RequestRefused(
                    "link_form", "The answer did not come from the page of this link.", "open it again"
                ),
                by,
                question,
            )
        said = Said(link.answer, by, note, question.id, link.binding_digest, link.nonce)
        name = self._app.ledger.find(question.task).task.name
        answered = self._decisions.answer(question.task, said)
        return asked(answered, name)

    def cross_site(self, text: str) -> RequestRefused:
        """Record an answer that another site sent, and return its refusal."""
        refusal = RequestRefused(
            "link_cross_site", "Another site sent this answer.", "open the link yourself"
        )
        return self._stranger(refusal, text)

    def _read(self, text: str, key: bytes) -> tuple[Link, Question]:
        try:
            link = read_link(text, key, home=self._home, now=self._now())
        except RequestRefused as refusal:
            raise self._stranger(refusal, text) from None
        questions = self._app.ledger.questions(task=link.task, open_only=False)
        question = next((each for each in questions if each.id == link.question), None)
        by = Actor(link.person, CHANNEL)
        if question is None:
            gone = RequestRefused(
                "link_unknown", "What this link asks about is not here.", "ask for a new one"
            )
            raise self._refuse(gone, by, None)
        spoilt = _spoilt(link, question)
        if spoilt is not None:
            raise self._refuse(spoilt, by, question)
        return link, question

    def _refuse(self, refusal: RequestRefused, by: Actor, question: Question | None) -> RequestRefused:
        task, name = (question.task, question.id) if question else ("", "")
        self._decisions.refused(refusal, by, task, name)
        return refusal

    def _stranger(self, refusal: RequestRefused, text: str) -> RequestRefused:
        """Record a link of which nobody knows whose it is, each once and not without end."""
        if self._strangers < STRANGERS_MAX:
            self._strangers += 1
            mark = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
            self._decisions.refused(refusal, _NOBODY, key=f"link/{refusal.code}/{mark}")
        return refusal


def _spoilt(link: Link, question: Question) -> RequestRefused | None:
    """Say why a link counts no more, ``None`` when it does."""
    if any(each.nonce == link.nonce for each in question.answers):
        return RequestRefused("link_used", "This link was used already; its answer is recorded.")
    if not question.open:
        return RequestRefused("already_answered", "This question is already answered.")
    if question.voided_at is not None or question.binding.digest != link.binding_digest:
        said = "What this link would approve has changed since it was issued."
        return RequestRefused("link_void", said, "ask for a new one")
    return None
