"""Find out what decides about the way back of a deployment."""

from __future__ import annotations

from datetime import datetime

from keelway.core.codec import from_json
from keelway.core.errors import KeelwayError
from keelway.core.release.rollback import DeploymentFact, WayBackFacts, rank_targets
from keelway.ports.backup import Backup, Loss
from keelway.ports.ledger import Deployment
from keelway.ports.target import EnvironmentState
from keelway.routines.context import Context


def facts_of(ctx: Context, deployment: Deployment, by_person: bool) -> WayBackFacts:
    """Read the environment, its history and its backup into the facts of the decision table."""
    where = deployment.environment
    state = ctx.read("back:state", ctx.target.state, where)
    quarantined = frozenset(entry.sha for entry in ctx.read("back:quarantined", ctx.ledger.quarantined))
    history = ctx.read("back:history", ctx.ledger.deployments, where)
    previous = deployment.previous_release
    there = {running.release: running for running in state.releases}
    backup = backup_of(deployment)
    sound = backup is not None and ctx.read("back:verify backup", ctx.backup.verify, backup) == ""
    migrated = deployment.schema_after != deployment.schema_before
    next_good = _next_good(history, state, deployment, quarantined)
    return WayBackFacts(
        previous=previous,
        previous_good=previous in there and deployment.previous_sha not in quarantined,
        previous_warm=previous in there and there[previous].state == "running",
        migrated=migrated,
        previous_fits=_fits(ctx, deployment, asked=migrated and previous in there),
        down_migrations=bool(ctx.project.migrate.down) and deployment.figures.get("down_proven") is not False,
        down_failed=False,
        backup_verified=sound,
        loss=_loss_in_words(ctx, backup) if sound and backup and migrated else "",
        restore_approved=bool(deployment.figures.get("restore_approved")),
        next_good=next_good,
        next_warm=next_good in there and there[next_good].state == "running",
        merged=False,
        workers=ctx.project.environment(where).target.local
        and any(process.name != "web" for process in ctx.project.processes),
        ordered_by_person=by_person,
    )


def _fits(ctx: Context, deployment: Deployment, *, asked: bool) -> bool | None:
    """Say whether the release before boots on the present schema; asked now when the deploy could not find out."""
    known: bool | None = deployment.figures.get("previous_fits")
    if known is not None or not asked:
        return known
    try:
        return not ctx.act(
            "back:boots", ctx.target.boots, deployment.environment, deployment.previous_release
        )
    except KeelwayError:
        return None


def backup_of(deployment: Deployment) -> Backup | None:
    """Return the backup that was taken before a deployment."""
    plain = deployment.figures.get("backup")
    return from_json(Backup, plain) if plain else None


def _loss_in_words(ctx: Context, backup: Backup) -> str:
    try:
        loss: Loss = ctx.read("back:loss", ctx.backup.loss, backup)
    except KeelwayError:
        return ""  # an unknown loss forbids a restore; the way back goes on without one
    return loss.words or "nothing that was counted"


def _next_good(
    history: tuple[Deployment, ...],
    state: EnvironmentState,
    deployment: Deployment,
    quarantined: frozenset[str],
) -> str:
    present = frozenset(running.release for running in state.releases)
    out = {deployment.release, deployment.previous_release}
    before = tuple(old for old in history if old.started_at < deployment.started_at)
    facts = evidence_of(before, deployment.started_at, present)
    ranked = rank_targets(
        (fact for fact in facts if fact.release not in out),
        current=deployment.release,
        quarantined=quarantined,
        schema_version=str(deployment.schema_after),
    )
    return next((target.release for target in ranked if target.schema_fits), "")


def evidence_of(
    history: tuple[Deployment, ...], until: datetime, present: frozenset[str] | None
) -> list[DeploymentFact]:
    """Return what is known of each deployment; each served until the next one began.

    Args:
        history: deployments of an environment, newest first.
        until: end of the time that the newest of them served.
        present: releases that are there; ``None`` when nobody could ask, which counts as all of them.
    """
    facts = []
    for old in history:
        facts.append(_evidence(old, until, present is None or old.release in present))
        until = old.started_at
    return facts


def _evidence(old: Deployment, until: datetime, present: bool) -> DeploymentFact:
    healthy_seconds = (until - old.started_at).total_seconds() if old.finished_at else 0.0
    return DeploymentFact(
        old.id,
        old.environment,
        old.release,
        old.sha,
        old.status,
        max(0.0, healthy_seconds),
        int(old.figures.get("requests") or 0),
        str(old.schema_after),
        present,
        old.finished_at,
    )
