"""Put a question to people, wait for the answer durably, remind and expire."""

from __future__ import annotations

from datetime import datetime, timedelta

from keelway.core.consent.quorum import OwnerGroup
from keelway.core.model.event import EventKind
from keelway.core.model.task import Actor, Task
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.policy import ReviewPolicy
from keelway.core.rule.approval import Binding, judge_answers, terms_of
from keelway.core.words.text import outgoing
from keelway.ports.channel import Message
from keelway.ports.ledger import Question
from keelway.routines.context import Context
from keelway.routines.outcome import Held, StageFailed


def question_id(binding: Binding) -> str:
    """Return the id under which exactly this is asked: the same question is never asked twice."""
    return "Q-" + binding.digest.removeprefix("sha256:")[:16]


def answer_to(
    ctx: Context, binding: Binding, requested_by: Actor, risk: str, groups: tuple[OwnerGroup, ...] = ()
) -> Finding:
    """Return what the recorded answers say about ``binding`` now, without asking anybody."""
    wanted = question_id(binding)
    asked = ctx.read("questions", ctx.ledger.questions, task=binding.task, open_only=False)
    answers = next((question.said for question in asked if question.id == wanted), ())
    now, policy = ctx.now(), ctx.policy.review
    return judge_answers(
        answers, binding, now=now, requested_by=requested_by, risk=risk, policy=policy, groups=groups
    )


def require(
    ctx: Context,
    binding: Binding,
    text: str,
    requested_by: Actor,
    risk: str,
    *,
    groups: tuple[OwnerGroup, ...] = (),
) -> Finding:
    """Return the finding of a valid yes of everybody who has to say it; otherwise ask, or end the stage.

    Raises:
        Held: somebody still has to answer; the stage is entered again later.
        StageFailed: the answer was no, or the time is over and policy denies then.
    """
    finding = answer_to(ctx, binding, requested_by, risk, groups)
    if finding.ruling is Ruling.PASS:
        return finding
    if finding.ruling is Ruling.FAIL:
        raise StageFailed(finding.code, finding.message, findings=(finding,))
    policy = ctx.policy.review
    now = ctx.now()
    terms, until = terms_of(policy, risk, groups), _denied_at(policy, now)
    question = ctx.book(
        "ask",
        ctx.ledger.ask,
        Question(question_id(binding), binding.task, ctx.scene.stage, binding, text, now, until, terms=terms),
    )
    if _over(question.expires_at, now):
        raise StageFailed("approval_expired", "Nobody answered in time, and policy takes that for a no.")
    ctx.record(EventKind.QUESTION_ASKED, "asked", question=question.id, action=binding.action)
    reminder = int((now - question.asked_at).total_seconds() / policy.reminder_seconds)
    tell(
        ctx,
        requested_by,
        f"{binding.action}: your decision is needed",
        text,
        question=question.id,
        once=f"{question.id}/{reminder}",
    )
    escalates_at = _escalates_at(policy, question.asked_at)
    _tell_circle(ctx, question, requested_by, reminder, escalated=_over(escalates_at, now))
    next_at = [
        now + timedelta(seconds=policy.reminder_seconds),
        *(at for at in (question.expires_at, escalates_at) if at is not None and at > now),
    ]
    raise Held(question.id, max((min(next_at) - now).total_seconds(), 1.0))


def _over(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _escalates_at(policy: ReviewPolicy, asked_at: datetime) -> datetime | None:
    if policy.approval_expiry != "escalate":
        return None
    return asked_at + timedelta(seconds=policy.approval_seconds_max)


def _denied_at(policy: ReviewPolicy, asked_at: datetime) -> datetime | None:
    """Return when silence becomes a no, ``None`` when it never does."""
    if policy.approval_expiry == "wait":
        return None
    more = policy.escalation_seconds_max if policy.approval_expiry == "escalate" else 0.0
    return asked_at + timedelta(seconds=policy.approval_seconds_max + more)


def _tell_circle(
    ctx: Context, question: Question, requested_by: Actor, reminder: int, *, escalated: bool
) -> None:
    """Tell the members of owner groups, and once nobody answered in time everybody else who may decide."""
    review, told = ctx.policy.review, {requested_by.name}
    circle = [name for group in question.terms.groups for name in group.members]
    if escalated:
        circle += [*review.escalate_to, ctx.project.owner, *ctx.policy.intake.allowed_actors]
        names, key = [*dict.fromkeys(circle)], f"{question.id}/escalated"
        ctx.engine.step(
            "record:escalated",
            lambda: ctx.note(EventKind.QUESTION_ESCALATED, key, question=question.id, to=names),
        )
    subject = (
        f"{question.binding.action}: {'nobody has answered; ' if escalated else ''}your decision is needed"
    )
    for name in dict.fromkeys(circle):
        if name not in told:
            once = f"{question.id}/{reminder}/{'wide/' if escalated else ''}{name}"
            tell(ctx, Actor(name), subject, question.text, question=question.id, urgent=escalated, once=once)


def end_key(task: Task) -> str:
    """Return the key of the word that tells how a task ended: whoever comes first says it, and nobody twice."""
    return f"{task.id}/end"


def tell(  # noqa: PLR0913 - who, what and how, by name
    ctx: Context,
    to: Actor,
    subject: str,
    body: str,
    *,
    question: str = "",
    urgent: bool = False,
    once: str = "",
) -> None:
    """Tell a person; a channel that fails is recorded and never stops the work.

    ``once`` names what must not be told twice, however often a stage is entered.
    """
    scene = ctx.scene
    subject, body = outgoing(subject), outgoing(body)
    message = Message(str(to), subject, body, scene.subject if scene.has_task else "", urgent, question)
    key = once or ctx.key(f"tell:{subject}")

    def deliver() -> str:
        try:
            ctx.notifier.tell(message, key=key)
        except Exception as error:  # noqa: BLE001 - whatever a channel does, the pipeline goes on
            ctx.note(EventKind.EFFECT_FAILED, "", effect="tell", error=str(error)[:500])
            return "failed"
        ctx.note(EventKind.PERSON_TOLD, f"{key}:done", to=message.to, subject=subject, body=body[:4_000])
        return "told"

    ctx.engine.step(f"tell:{subject}", deliver)
