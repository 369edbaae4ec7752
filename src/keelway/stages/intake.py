"""1. Admit: may this request become a task?"""

from __future__ import annotations

from datetime import timedelta

from keelway.core.gate.intake import IntakeFacts, judge_intake
from keelway.core.model.handover import Admitted
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import Task
from keelway.core.words.issue import tracking_body, tracking_title
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed


def admit(ctx: Context, task: Task) -> Admitted:
    """Let a request in, take over what people pushed, and open its tracking issue.

    The duplicate check is made by the atomic claim that created the task.

    Raises:
        StageFailed: the intake gate refused.
    """
    now = ctx.now()
    facts = IntakeFacts(
        request=task.request,
        duplicate_of="",
        owner=ctx.project.owner,
        freeze=ctx.read("freeze", ctx.ledger.freeze),
        tasks_last_hour=ctx.read("recent", ctx.ledger.tasks_since, now - timedelta(hours=1)),
    )
    verdict = ctx.judged(judge_intake(facts, ctx.policy.intake))
    if not verdict.passed:
        raise StageFailed.by_gate(verdict)
    ctx.act("refresh", ctx.forge.refresh)
    issue = ctx.act(
        "open issue",
        ctx.forge.open_issue,
        tracking_title(task),
        tracking_body(task),
        ("agent-developed",),
        key=f"{ctx.scene.subject}/open issue",  # one issue a task, however often the stage is tried
    )
    ctx.move(Status.PLANNING)
    return Admitted(task, now, issue)
