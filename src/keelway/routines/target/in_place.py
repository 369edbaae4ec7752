"""What a deploy and its way back must know of targets where a new release takes the place of the old one."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.errors import TheirFault
from keelway.ports.ledger import Deployment
from keelway.ports.target import EnvironmentState
from keelway.routines.context import Context

LEFT_ALONE = "left_alone"
"""Figure of a deployment after which the old release was live all the time, so that nothing was taken back."""


def insist_known(ctx: Context, before: EnvironmentState) -> None:
    """Refuse to deploy where nobody can say what is live: there would be no way back.

    Raises:
        TheirFault: it cannot be asked (``target_unknown``).
    """
    spec = ctx.project.environment(before.environment)
    if spec.target.in_place and not before.active and before.detail:
        raise TheirFault(
            "target_unknown",
            f"Nothing was deployed, because nobody can say what is live in {before.environment}: {before.detail}",
            "keelway doctor",
        )


def leave_alone(ctx: Context, deployment: Deployment) -> bool:
    """Close a deployment as failed when what was live before still is, and healthy; tell whether it was so.

    A platform that could not build keeps its old version live: to deploy that again would only be a risk.
    """
    where = deployment.environment
    unmoved = deployment.status == "running" and deployment.schema_after == deployment.schema_before
    if not (ctx.project.environment(where).target.in_place and unmoved):
        return False
    state = ctx.read(f"left alone:{where}", ctx.target.state, where)
    if state.active != deployment.previous_release or not state.healthy:
        return False
    figures = {**deployment.figures, LEFT_ALONE: True}
    done = replace(deployment, status="failed", finished_at=ctx.now(), figures=figures)
    ctx.book(f"left alone:{where}:deployment", ctx.ledger.save_deployment, done)
    return True
