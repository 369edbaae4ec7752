"""Drill the way back: deploy a no-op change, force the real rollback, check that backups can be restored."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.codec import from_json, to_json
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import Actor
from keelway.core.model.verdict import Ruling
from keelway.core.release.drill import DEPLOY, RESTORE, ROLLBACK, Drill, DrillResult, subject_of
from keelway.core.words.back import drill_report, no_op_message
from keelway.ports.backup import Backup
from keelway.ports.ledger import Deployment, Lease
from keelway.routines import health
from keelway.routines.ask import tell
from keelway.routines.context import Context
from keelway.routines.order import Done, DrillOrder
from keelway.routines.outcome import Aborted, StageFailed
from keelway.routines.rollout import deploy, hold
from keelway.routines.wayback import take_back, take_back_unsettled

BRANCH_PREFIX = "drill/"


def drill(ctx: Context, order: DrillOrder) -> Done:
    """Walk the parts that were ordered and keep the result, good or bad; the owner is told of a bad one.

    Raises:
        Waiting: somebody else acts on the environment.
    """
    lease = hold(ctx, order.environment)
    results: list[DrillResult] = []
    try:
        if {DEPLOY, ROLLBACK} & set(order.parts):
            results += [part for part in _there_and_back(ctx, order, lease) if part.kind in order.parts]
        if RESTORE in order.parts:
            results.append(_restorable(ctx, order))
    except (StageFailed, Aborted, KeelwayError):
        ctx.book("lease back", ctx.ledger.release, lease)
        raise
    ctx.book("lease back", ctx.ledger.release, lease)
    done = Drill(order.id, order.environment, ctx.now(), str(order.by), tuple(results))
    ctx.book("drill kept", ctx.ledger.record, _event(ctx, done))
    text = drill_report(done)
    if not done.passed:
        owner = Actor(ctx.project.owner)
        tell(ctx, owner, f"The drill on {order.environment} failed", text, urgent=True)
    return Done(done.passed, text.strip())


def _event(ctx: Context, done: Drill) -> Event:
    data = {"drill": done.id, "environment": done.environment, "results": to_json(done.results)}
    return Event(
        EventKind.DRILL_FINISHED,
        done.at,
        subject_of(done.environment),
        actor=done.by,
        data=data,
        key=ctx.key("drilled"),
    )


def _there_and_back(ctx: Context, order: DrillOrder, lease: Lease) -> tuple[DrillResult, DrillResult]:
    """Bring a change that changes nothing to the environment, and take it back as if it were bad."""
    where, branch = order.environment, f"{BRANCH_PREFIX}{order.id}"
    before = ctx.read("before", ctx.target.state, where)
    began, there = ctx.now(), DrillResult(DEPLOY, passed=False)
    back = DrillResult(ROLLBACK, passed=False, detail="nothing was deployed that could be taken back")
    running = {release.release: release.sha for release in before.releases}
    if before.active not in running:
        return replace(there, detail=f"nothing runs in {where}; keelway deploy {where}"), back
    try:
        sha = _no_op_commit(ctx, order, running[before.active], branch)
        deployed = deploy(ctx, where, sha, lease).deployment
        findings = (
            *health.probe(ctx, where, "drilled"),
            *health.workers(ctx, where, deployed.release, "drilled"),
        )
        wrong = [finding.message for finding in findings if finding.ruling is not Ruling.PASS]
        seconds = (ctx.now() - began).total_seconds()
        there = DrillResult(DEPLOY, not wrong, seconds, len(findings), " ".join(wrong))
        back = _forced(ctx, deployed, lease, before.active)
        _tidy(ctx, deployed, lease, tuple(running))
    except (StageFailed, Aborted, KeelwayError) as error:
        take_back_unsettled(ctx, where, lease)
        there = replace(there, passed=False, detail=str(error))
    _forget(ctx, branch)
    return there, back


def _no_op_commit(ctx: Context, order: DrillOrder, sha: str, branch: str) -> str:
    """Make a commit with the tree of ``sha`` on a branch that is forgotten afterwards; each drill builds anew."""
    same = ctx.read("same tree", ctx.forge.compose, sha, sha, ())
    made = ctx.act("no-op commit", ctx.forge.rebase, same, sha, no_op_message(order.id), branch)
    return made.head_sha


def _forced(ctx: Context, deployed: Deployment, lease: Lease, previous: str) -> DrillResult:
    """Walk the real way back, with the real decision table."""
    marked = replace(deployed, figures={**deployed.figures, "drill": ctx.scene.subject})
    taken = take_back(ctx, marked, lease, by_person=True)
    state = ctx.read("after", ctx.target.state, deployed.environment)
    looks = {
        "it was not verified": taken.verified,
        f"it ended on {taken.release or 'nothing'}": taken.release == previous,
        f"{state.active or 'nothing'} takes the traffic": state.active == previous,
    }
    wrong = [said for said, good in looks.items() if not good]
    detail = "; ".join(filter(None, [*wrong, taken.detail]))
    return DrillResult(ROLLBACK, not wrong, taken.total_seconds, len(looks), detail)


def _tidy(ctx: Context, deployed: Deployment, lease: Lease, keep: tuple[str, ...]) -> None:
    """Stop and remove the release of the drill; what cannot be removed now does no harm."""
    where, release = deployed.environment, deployed.release
    try:
        ctx.act("retire", ctx.target.retire, where, release, epoch=lease.epoch)
        kept = tuple(name for name in keep if name != release)
        ctx.act("prune", ctx.target.prune, where, kept)
    except KeelwayError as error:
        ctx.record(EventKind.EFFECT_FAILED, "tidy", effect="tidy", error=error.message)


def _forget(ctx: Context, branch: str) -> None:
    try:
        ctx.act("branch forgotten", ctx.forge.delete_branch, branch, key=ctx.key("branch forgotten"))
    except KeelwayError as error:
        ctx.record(EventKind.EFFECT_FAILED, "branch left", effect="branch forgotten", error=error.message)


def _restorable(ctx: Context, order: DrillOrder) -> DrillResult:
    """Take a backup and check it, and check the newest one of production again."""
    began = ctx.now()
    try:
        fresh = ctx.act("drill backup", ctx.backup.take, order.environment, key=ctx.key("drill backup"))
        kept = [backup for backup in (fresh, _newest(ctx)) if backup is not None]
        wrong = [ctx.read(f"verify:{number}", ctx.backup.verify, each) for number, each in enumerate(kept)]
    except KeelwayError as error:
        return DrillResult(RESTORE, passed=False, examined=1, detail=error.message)
    seconds = (ctx.now() - began).total_seconds()
    if not kept:
        return DrillResult(RESTORE, passed=True, seconds=seconds, examined=1, detail="no data is kept")
    bad = [said for said in wrong if said]
    rows = sum(sum(backup.rows.values()) for backup in kept)
    detail = " ".join(bad) or f"{len(kept)} backup(s) with {rows} rows verify"
    return DrillResult(RESTORE, not bad, seconds, len(kept), detail)


def _newest(ctx: Context) -> Backup | None:
    for entry in ctx.read("production", ctx.ledger.deployments, PRODUCTION):
        if plain := entry.figures.get("backup"):
            return from_json(Backup, plain)
    return None
