"""Walk the way back on staging and time it, so that it is known before it is needed."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.errors import KeelwayError
from keelway.core.model.verdict import Finding, Ruling, failed, passed
from keelway.ports.ledger import Deployment, Lease
from keelway.routines import health
from keelway.routines.context import Context
from keelway.routines.rollout import Deployed


@dataclass(frozen=True)
class Rehearsal:
    """State whether the way back works, how long it took and whether it moved the schema."""

    finding: Finding
    seconds: float = 0.0
    migrated: bool = False


def rehearse_way_back(ctx: Context, deployed: Deployed, lease: Lease) -> Rehearsal:
    """Go back to the release before and forward again; the first release has nothing to go back to."""
    deployment = deployed.deployment
    if not deployment.previous_release:
        return Rehearsal(passed("first_release", "There is no earlier release; nothing can be rehearsed."))
    down = bool(deployed.previous_boots) and ctx.policy.rollback.rollback_migrations
    began = ctx.now()
    try:
        back = _walk_back(ctx, deployment, lease, down=down)
        seconds = (ctx.now() - began).total_seconds()
        forth = _walk_forth(ctx, deployment, lease, down=down)
    except KeelwayError as error:
        said = f"The way back could not be walked: {error.message}"
        return Rehearsal(failed("rehearsal_failed", said), (ctx.now() - began).total_seconds(), down)
    for name, findings in (("back", back), ("forth", forth)):
        wrong = [finding for finding in findings if finding.ruling is not Ruling.PASS]
        if wrong or not findings:
            said = wrong[0].message if wrong else "no probe answered"
            return Rehearsal(failed("rehearsal_unhealthy", f"On the way {name}: {said}"), seconds, down)
    said = f"The way back to {deployment.previous_release} was walked in {seconds:.1f} s."
    return Rehearsal(passed("rehearsed", said, examined=len(back) + len(forth)), seconds, down)


def _walk_back(ctx: Context, deployment: Deployment, lease: Lease, *, down: bool) -> tuple[Finding, ...]:
    environment, previous, epoch = deployment.environment, deployment.previous_release, lease.epoch
    if down:
        ctx.act(
            "rehearse:down",
            ctx.target.migrate,
            environment,
            deployment.release,
            deployment.schema_before,
            epoch=epoch,
        )
    ctx.act("rehearse:start", ctx.target.start, environment, previous, epoch=epoch)
    ctx.act("rehearse:switch", ctx.target.switch, environment, {previous: 100}, epoch=epoch)
    return health.probe(ctx, environment, "rehearsed back", previous)


def _walk_forth(ctx: Context, deployment: Deployment, lease: Lease, *, down: bool) -> tuple[Finding, ...]:
    environment, release, epoch = deployment.environment, deployment.release, lease.epoch
    if down:
        ctx.act("rehearse:up", ctx.target.migrate, environment, release, None, epoch=epoch)
    ctx.act("rehearse:restart", ctx.target.start, environment, release, epoch=epoch)
    ctx.act("rehearse:forth", ctx.target.switch, environment, {release: 100}, epoch=epoch)
    ctx.act("rehearse:workers", ctx.target.swap_workers, environment, release, epoch=epoch)
    return health.probe(ctx, environment, "rehearsed forth", release)
