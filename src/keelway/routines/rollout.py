"""Bring a release into an environment step by step, never without a way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keelway.core.codec import to_json
from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.verdict import Ruling
from keelway.core.release.quarantine import CarriedCommit, contains_quarantined
from keelway.core.release.version import release_name
from keelway.core.target.hook import Moment
from keelway.ports.backup import Backup
from keelway.ports.ledger import Deployment, Lease
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed, Waiting
from keelway.routines.standing.recorded import insist_no_drift
from keelway.routines.strategy.walk import move_traffic, refuse_unfit
from keelway.routines.target.hooks import facts_of_deploy, insist_hook
from keelway.routines.target.in_place import insist_known
from keelway.routines.target.operator import hand_over


@dataclass(frozen=True)
class Deployed:
    """Hold what a deployment did, with all that is needed to undo it."""

    deployment: Deployment
    backup: Backup | None
    previous_boots: str
    """Empty when the previous release boots on the new schema, else what failed."""


def hold(ctx: Context, environment: str) -> Lease:
    """Take the lease of an environment.

    Raises:
        Waiting: somebody else acts there now.
    """
    lease = ctx.book(f"lease:{environment}", ctx.ledger.lease, environment, ctx.scene.subject)
    if lease is None:
        raise Waiting(f"{environment} is in use or locked", ctx.scene.attempt)
    return lease


def refuse_quarantined(ctx: Context, sha: str) -> None:
    """Refuse a commit that carries a quarantined one without its revert.

    Raises:
        StageFailed: it does.
    """
    facts = []
    for number, entry in enumerate(ctx.read("quarantined", ctx.ledger.quarantined)):
        bad = ctx.read(f"contains-bad:{number}", ctx.forge.contains, entry.sha, sha)
        undone = bool(entry.revert_sha) and ctx.read(
            f"contains-revert:{number}", ctx.forge.contains, entry.revert_sha, sha
        )
        facts.append(CarriedCommit(entry.sha, bad, undone))
    finding = contains_quarantined(facts)
    if finding.ruling is not Ruling.PASS:
        raise StageFailed(finding.code, finding.message, findings=(finding,))


def deploy(ctx: Context, environment: str, sha: str, lease: Lease, **figures: object) -> Deployed:
    """Snapshot, build, migrate, move the traffic by the strategy, swap workers; healthy before it has traffic.

    Raises:
        StageFailed: a step failed; what runs is what ran before.
    """
    refuse_unfit(ctx, environment)
    refuse_quarantined(ctx, sha)
    release = release_name(sha)
    before = ctx.read("state:before", ctx.target.state, environment)
    insist_known(ctx, before)
    insist_no_drift(ctx, before, release)
    told = facts_of_deploy(ctx, environment, release, sha)
    insist_hook(ctx, Moment.PRE_DEPLOY, told)
    previous = before.active if before.active != release else _recorded_previous(ctx, environment, release)
    built = ctx.act("build", ctx.target.build, environment, sha, release)
    schema_before = ctx.read("schema:before", ctx.target.schema, environment, release)
    backup = ctx.act("backup", ctx.backup.take, environment, key=ctx.key("backup"))
    deployment = Deployment(
        id=ctx.key("deployment"),
        task=ctx.scene.subject,
        environment=environment,
        release=release,
        sha=sha,
        status="running",
        epoch=lease.epoch,
        started_at=ctx.now(),
        previous_release=previous,
        previous_sha=_sha_of(ctx, environment, previous),
        schema_before=schema_before,
        schema_after=schema_before,
        backup=backup.id if backup else "",
        figures={"backup": to_json(backup) if backup else None, "build_seconds": built.seconds, **figures},
    )
    ctx.book("deployment", ctx.ledger.save_deployment, deployment)
    if schema_before is not None:
        migrated = ctx.act("migrate", ctx.target.migrate, environment, release, None, epoch=lease.epoch)
        deployment = replace(deployment, schema_after=migrated.after)
        ctx.book("deployment:migrated", ctx.ledger.save_deployment, deployment)
    boots = _previous_boots(ctx, environment, deployment)
    deployment = replace(deployment, figures={**deployment.figures, "previous_fits": not boots})
    ctx.book("deployment:fits", ctx.ledger.save_deployment, deployment)
    insist_hook(ctx, Moment.PRE_SWITCH, told)
    hand_over(ctx, environment, release)
    move_traffic(ctx, deployment, lease)
    ctx.act("workers", ctx.target.swap_workers, environment, release, epoch=lease.epoch)
    insist_hook(ctx, Moment.POST_DEPLOY, told)
    deployment = replace(deployment, status="observing")
    ctx.book("deployment:observing", ctx.ledger.save_deployment, deployment)
    return Deployed(deployment, backup, boots)


def _previous_boots(ctx: Context, environment: str, deployment: Deployment) -> str:
    """Ask whether the release that still serves could be started again on the schema as it is now."""
    if not deployment.previous_release or deployment.schema_after == deployment.schema_before:
        return ""
    return ctx.act("previous boots", ctx.target.boots, environment, deployment.previous_release)


def _recorded_previous(ctx: Context, environment: str, release: str) -> str:
    """Return the release before this one when an interrupted deploy had already switched."""
    for entry in ctx.read("history", ctx.ledger.deployments, environment):
        if entry.release == release and entry.previous_release:
            return entry.previous_release
    return ""


def _sha_of(ctx: Context, environment: str, release: str) -> str:
    if not release:
        return ""
    state = ctx.read("state:previous", ctx.target.state, environment)
    return next((running.sha for running in state.releases if running.release == release), "")


def newest_of(history: tuple[Deployment, ...], task: str) -> Deployment | None:
    """Return the newest deployment of a task in a history that begins with the newest."""
    return next((entry for entry in history if entry.task == task), None)


def finish(ctx: Context, deployment: Deployment, status: str, **figures: object) -> Deployment:
    """Close the record of a deployment and supersede the one before it."""
    done = replace(
        deployment, status=status, finished_at=ctx.now(), figures={**deployment.figures, **figures}
    )
    ctx.book(f"deployment:{status}", ctx.ledger.save_deployment, done)
    if status == "live":
        for old in ctx.read("deployments", ctx.ledger.deployments, deployment.environment):
            if old.status == "live" and old.id != done.id:
                ctx.book(f"supersede:{old.id}", ctx.ledger.save_deployment, replace(old, status="superseded"))
    return done


def stop_bad(ctx: Context, bad: Deployment, lease: Lease) -> None:
    """End the processes of a release that was taken back: what leaks, floods or holds a lock would go on doing it.

    Its files stay for whoever looks for the cause. Nobody waits for this: traffic, data and the book are right already.
    """
    if not ctx.engine.patch("stop what was taken back"):
        return
    name = f"back:{bad.environment}:stop bad"
    try:
        ctx.act(name, ctx.target.retire, bad.environment, bad.release, epoch=lease.epoch)
    except KeelwayError as error:
        ctx.record(EventKind.ROLLBACK_STEP, f"{name}:failed", step="stop_bad", error=error.message)
