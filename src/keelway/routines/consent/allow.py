"""Have a person allow one action on one environment, bound to exactly what was merged."""

from __future__ import annotations

from keelway.core.model.handover import Merged
from keelway.core.rule.approval import Binding
from keelway.core.rule.risk import Risk
from keelway.core.words.question import approval_question
from keelway.routines.ask import require
from keelway.routines.context import Context


def allow(ctx: Context, merged: Merged, action: str, environment: str, why: str) -> None:
    """Go on when a person said yes to this action with this very merge; otherwise ask, or end the stage.

    Raises:
        Held: somebody still has to answer.
        StageFailed: the answer was no, or silence counts as one.
    """
    patch = merged.patch
    binding = Binding(
        merged.task.id,
        action,
        environment,
        merged.merge_sha,
        patch.base_sha,
        merged.tree_sha,
        patch.approved.version,
        ctx.policy.digest,
    )
    risk = Risk(patch.risk, 0, patch.risk_factors)
    text = approval_question(merged.task, binding, risk, why, ctx.policy.review)
    require(ctx, binding, text, merged.task.request.requested_by, patch.risk)
