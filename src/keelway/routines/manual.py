"""Deploy a commit by hand: the first release of an environment, or a redeploy of a known commit."""

from __future__ import annotations

from keelway.core.errors import KeelwayError
from keelway.core.model.verdict import Ruling
from keelway.routines import health
from keelway.routines.context import Context
from keelway.routines.order import DeployOrder, Done
from keelway.routines.outcome import Aborted, StageFailed
from keelway.routines.rollout import deploy, finish, hold
from keelway.routines.wayback import take_back_unsettled


def deploy_by_hand(ctx: Context, order: DeployOrder) -> Done:
    """Deploy a commit that a protected branch holds; probes decide at once, without a window.

    Raises:
        StageFailed: the commit is on no protected branch, is quarantined, or is not healthy.
        Waiting: somebody else acts on the environment.
    """
    branches = sorted(ctx.project.branches.protected)
    heads = [ctx.read(f"head:{branch}", ctx.forge.head, branch) for branch in branches]
    held = [
        ctx.read(f"contains:{branch}", ctx.forge.contains, order.sha, head)
        for branch, head in zip(branches, heads, strict=True)
    ]
    if not any(held):
        raise StageFailed("not_on_a_branch", f"{order.sha[:12]} is on none of {', '.join(branches)}.")
    lease = hold(ctx, order.environment)
    try:
        deployed = deploy(ctx, order.environment, order.sha, lease)
        findings = health.probe(ctx, order.environment, "after", deployed.deployment.release)
        _insist(findings and all(finding.ruling is Ruling.PASS for finding in findings), order)
    except (StageFailed, Aborted, KeelwayError):
        take_back_unsettled(ctx, order.environment, lease)
        ctx.book("lease back", ctx.ledger.release, lease)
        raise
    finish(ctx, deployed.deployment, "live")
    ctx.book("lease back", ctx.ledger.release, lease)
    release = deployed.deployment.release
    return Done(ok=True, message=f"{order.environment} runs {release}.", release=release)


def _insist(healthy: object, order: DeployOrder) -> None:
    if not healthy:
        raise StageFailed("not_healthy", f"{order.environment} is not healthy with {order.sha[:12]}.")
