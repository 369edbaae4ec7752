"""One look at a live release: probes, acceptance, new errors and the numbers since it went live."""

from __future__ import annotations

from datetime import timedelta

from keelway.core.codec import from_json
from keelway.core.errors import KeelwayError
from keelway.core.gate.observed import Observed
from keelway.core.gate.watch import WatchFacts, judge_watch
from keelway.core.measure.judge import judge_window
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import Plan
from keelway.core.model.project import PRODUCTION
from keelway.core.model.verdict import Ruling
from keelway.core.words.alert import watch_alert
from keelway.ports.ledger import Deployment
from keelway.routines import health
from keelway.routines.ask import tell
from keelway.routines.context import Context
from keelway.routines.observe import sentence_of, settings_of
from keelway.routines.order import Looked, WatchOrder
from keelway.routines.watch.yardstick import good_ticks


def look(ctx: Context, order: WatchOrder) -> Looked:
    """Look once; say when to look again, or that policy takes the release back."""
    task, policy = order.task, ctx.policy.watch
    if order.unseen:
        return _unseen(ctx, order)
    row = ctx.read("row", ctx.ledger.find, task.id)
    history = ctx.read("deployments", ctx.ledger.deployments, PRODUCTION)
    mine = next((entry for entry in history if entry.id == order.deployment), None)
    if row.status is not Status.DEPLOYED or mine is None or mine.status != "live":
        return Looked("pass", "The release is no longer the live one; its watch is over.")
    now = ctx.now()
    since = (now - (mine.finished_at or mine.started_at)).total_seconds()
    plan = from_json(Plan, row.plan) if row.plan else None
    accepted = health.accept(ctx, PRODUCTION, plan, "watch") if plan else ()
    facts = WatchFacts(
        probes=(*health.probe(ctx, PRODUCTION, "watch", mine.release, around=True), *accepted),
        new_exceptions=_new_exceptions(ctx, mine),
        judgement=_numbers(ctx, mine),
    )
    verdict = ctx.judged(judge_watch(facts, policy))
    ctx.record(EventKind.WATCH_CHECKED, "looked", number=order.number, ruling=verdict.ruling.value)
    if not verdict.passed:
        text = watch_alert(task, verdict.reasons, since, armed=policy.rollback_armed)
        tell(ctx, task.request.requested_by, f"{task.name}: anomaly", text, urgent=True)
    left = policy.watch_seconds - since
    return Looked(
        verdict.ruling.value,
        " ".join(reason.message for reason in verdict.reasons) or "Nothing unusual.",
        min(policy.interval_seconds, left) if left > 0 else 0.0,
        roll_back=verdict.ruling is Ruling.FAIL and policy.rollback_armed,
    )


def _unseen(ctx: Context, order: WatchOrder) -> Looked:
    """Say that a look could not be made; the next one is due as always."""
    policy = ctx.policy.watch
    text = (
        f"{order.task.name} is live, and look {order.number} of its watch could not be made: {order.unseen}"
    )
    tell(ctx, order.task.request.requested_by, f"{order.task.name}: not watched", text, urgent=True)
    more = order.number * policy.interval_seconds < policy.watch_seconds
    return Looked(Ruling.HOLD.value, text, policy.interval_seconds if more else 0.0)


def _new_exceptions(ctx: Context, deployment: Deployment) -> tuple[str, ...]:
    try:
        seen = ctx.read(
            "exceptions",
            ctx.signal.exceptions,
            PRODUCTION,
            deployment.started_at - timedelta(seconds=ctx.policy.production.history_seconds),
        )
    except KeelwayError as error:
        return (f"the log could not be read: {error.message}",)
    return tuple(entry.title for entry in seen if entry.first_at >= deployment.started_at)


def _numbers(ctx: Context, deployment: Deployment) -> Observed:
    """Judge the traffic since the deploy against the time before it."""
    bounds = ctx.policy.production
    now, started = ctx.now(), deployment.started_at
    before = started - timedelta(seconds=bounds.history_seconds)
    tick = max(bounds.tick_seconds, (now - started).total_seconds() / 360)
    try:
        history = ctx.read(
            "before",
            good_ticks,
            ctx.signal,
            ctx.ledger,
            PRODUCTION,
            span=(before, started),
            tick_seconds=tick,
        )
        after = ctx.read("after", ctx.signal.ticks, PRODUCTION, deployment.release, started, now, tick)
    except KeelwayError:
        return Observed()
    elapsed = (now - started).total_seconds()
    judgement = judge_window(history, after, (), settings_of(bounds), elapsed)
    return Observed(judgement.decision.value, sentence_of(judgement))
