"""Put a question to people, wait for the answer durably, remind and expire."""

from __future__ import annotations

from datetime import timedelta

from keelway.core.model.event import EventKind
from keelway.core.model.task import Actor
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.rule.approval import Binding, judge_approval
from keelway.core.words.text import outgoing
from keelway.ports.channel import Message
from keelway.ports.ledger import Question
from keelway.routines.context import Context
from keelway.routines.outcome import Held, StageFailed


def question_id(binding: Binding) -> str:
    """Return the id under which exactly this is asked: the same question is never asked twice."""
    return "Q-" + binding.digest.removeprefix("sha256:")[:16]


def answer_to(ctx: Context, binding: Binding, requested_by: Actor, risk: str) -> Finding:
    """Return what the recorded answer says about ``binding`` now, without asking anybody."""
    wanted = question_id(binding)
    asked = ctx.read("questions", ctx.ledger.questions, task=binding.task, open_only=False)
    approval = next((question.approval for question in asked if question.id == wanted), None)
    now = ctx.now()
    return judge_approval(
        approval, binding, now=now, requested_by=requested_by, risk=risk, policy=ctx.policy.review
    )


def require(ctx: Context, binding: Binding, text: str, requested_by: Actor, risk: str) -> Finding:
    """Return the finding of a valid yes; otherwise ask, or end the stage.

    Raises:
        Held: nobody has answered yet; the stage is entered again later.
        StageFailed: the answer was no, or the time is over and policy denies then.
    """
    finding = answer_to(ctx, binding, requested_by, risk)
    if finding.ruling is Ruling.PASS:
        return finding
    if finding.ruling is Ruling.FAIL:
        raise StageFailed(finding.code, finding.message, findings=(finding,))
    policy = ctx.policy.review
    now = ctx.now()
    deny = policy.approval_expiry == "deny"
    expires_at = now + timedelta(seconds=policy.approval_seconds_max) if deny else None
    question = ctx.book(
        "ask",
        ctx.ledger.ask,
        Question(question_id(binding), binding.task, ctx.scene.stage, binding, text, now, expires_at),
    )
    if question.expires_at is not None and question.expires_at <= now:
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
    left = policy.reminder_seconds
    if question.expires_at is not None:
        left = min(left, (question.expires_at - now).total_seconds())
    raise Held(question.id, max(left, 1.0))


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
