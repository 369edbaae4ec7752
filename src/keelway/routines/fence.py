"""Let no agent begin before it is known that what fences it is strong enough for whoever asked."""

from __future__ import annotations

from keelway.core.cage.trust import judge_fence
from keelway.core.model.task import Request
from keelway.core.model.verdict import combine
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed

GATE = "sandbox"


def insist_on_fence(ctx: Context, request: Request) -> None:
    """Ask the machine that is about to run an agent what fences it, and judge whether that will do.

    To be called in every stage entry that starts an agent: another machine may have another fence.

    Raises:
        StageFailed: the requester is not trusted and the fence is weak, or the fence does not work.
    """
    fence = ctx.read("fence", ctx.agent.fence)
    verdict = ctx.judged(combine(GATE, (judge_fence(request, ctx.project.owner, fence),)))
    if not verdict.passed:
        raise StageFailed.by_gate(verdict)
