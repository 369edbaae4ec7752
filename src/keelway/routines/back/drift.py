"""Settle what was changed by hand: adopt it as what runs, or put back what is recorded."""

from __future__ import annotations

from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.verdict import Ruling
from keelway.core.release.standing import Standing
from keelway.ports.ledger import Deployment, Lease
from keelway.ports.target import EnvironmentState
from keelway.routines import health
from keelway.routines.context import Context
from keelway.routines.order import Done, DriftOrder
from keelway.routines.outcome import Aborted, StageFailed
from keelway.routines.rollout import finish
from keelway.routines.standing.recorded import seen_of, standing_of

ADOPT, RESTORE = "adopt", "restore"


def settle_drift(ctx: Context, order: DriftOrder) -> Done:
    """Adopt what runs as what is recorded, or put back what is recorded, because a person said so.

    Raises:
        StageFailed: somebody else acts there, or there is nothing to adopt or to put back.
    """
    where = order.environment
    lease = ctx.book("lease", ctx.ledger.lease, where, order.id, past_lock=True)
    if lease is None:
        raise StageFailed("in_use", f"Somebody else acts on {where} now.", "keelway status, then try again")
    try:
        release = _adopt(ctx, order, lease) if order.how == ADOPT else _put_back(ctx, order, lease)
    except (StageFailed, Aborted, KeelwayError):
        ctx.book("lease back", ctx.ledger.release, lease)
        raise
    ctx.book("lease back", ctx.ledger.release, lease)
    data = {"environment": where, "how": order.how, "release": release}
    event = Event(
        EventKind.DRIFT_SETTLED, ctx.now(), actor=str(order.by), data=data, key=ctx.key("drift settled")
    )
    ctx.book("drift settled", ctx.ledger.record, event)
    word = "is adopted as what" if order.how == ADOPT else "was put back, and"
    return Done(ok=True, message=f"{release} {word} runs in {where}.", release=release)


def _adopt(ctx: Context, order: DriftOrder, lease: Lease) -> str:
    state, book = _both(ctx, order)
    if not state.active:
        raise StageFailed("nothing_runs", f"Nothing runs in {order.environment}.", "keelway deploy")
    seen = seen_of(state)
    adopted = Deployment(
        id=ctx.key("adopted"),
        task="",
        environment=order.environment,
        release=state.active,
        sha=seen.sha,
        status="running",
        epoch=lease.epoch,
        started_at=ctx.now(),
        previous_release=book.release,
        previous_sha=book.sha,
        schema_before=state.schema,
        schema_after=state.schema,
        figures={"adopted_by": str(order.by), "reason": order.reason},
    )
    return finish(ctx, adopted, "live").release


def _put_back(ctx: Context, order: DriftOrder, lease: Lease) -> str:
    where, (state, book) = order.environment, _both(ctx, order)
    if not book.release:
        raise StageFailed("nothing_recorded", f"The book knows no release that should run in {where}.")
    if book.release not in {release.release for release in state.releases}:
        gone = f"The files of {book.release} are gone."
        raise StageFailed("artefact_gone", gone, f"keelway deploy {where} {book.sha}")
    ctx.act("start", ctx.target.start, where, book.release, epoch=lease.epoch)
    ctx.act("switch", ctx.target.switch, where, {book.release: 100}, epoch=lease.epoch)
    ctx.act("workers", ctx.target.swap_workers, where, book.release, epoch=lease.epoch)
    findings = health.probe(ctx, where, "put back")
    if not findings or any(finding.ruling is not Ruling.PASS for finding in findings):
        raise StageFailed("not_healthy", f"{book.release} is not healthy in {where}.", "keelway health")
    return book.release


def _both(ctx: Context, order: DriftOrder) -> tuple[EnvironmentState, Standing]:
    state = ctx.read("state", ctx.target.state, order.environment)
    return state, standing_of(ctx.read("recorded", ctx.ledger.deployments, order.environment))
