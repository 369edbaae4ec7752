"""What a rollback by order needs beside the walk: a target that is built first, and git that follows."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import Actor
from keelway.core.words.back import OrderIncident, order_incident
from keelway.ports.ledger import Deployment, Quarantine
from keelway.routines.ask import tell
from keelway.routines.back.branch import open_back_pull, said_of
from keelway.routines.context import Context
from keelway.routines.order import BranchOrder, RollbackOrder
from keelway.routines.outcome import outcome_of, raise_error
from keelway.routines.wayback import TakenBack


def kept_by(ctx: Context, history: tuple[Deployment, ...], sha: str) -> frozenset[str]:
    """Return the ids of the deployments whose commit is part of the history of ``sha``."""

    def within() -> dict[str, object]:
        return outcome_of(
            lambda: [entry.id for entry in history if entry.sha and ctx.forge.contains(entry.sha, sha)]
        )

    plain = ctx.engine.step("kept by the target", within)
    raise_error(plain)
    return frozenset(plain["ok"])


def made_ready(ctx: Context, bad: Deployment, order: RollbackOrder) -> Deployment:
    """Build a target that is not there, try it on the present schema, and note what a person accepted."""
    figures = dict(bad.figures)
    if order.to_sha:
        ctx.act("build target", ctx.target.build, order.environment, order.to_sha, order.to_release)
        wrong = ctx.act("target boots", ctx.target.boots, order.environment, order.to_release)
        figures["previous_fits"] = not wrong
    if order.restore and order.restore == bad.backup:
        figures["restore_approved"] = True
    return replace(bad, figures=figures)


def settle_git(
    ctx: Context, order: RollbackOrder, bad: Deployment, by_hand: list[Deployment], taken: TakenBack
) -> str:
    """Open the incident, bar what people deployed by hand, and prepare the branch where git runs ahead.

    What a task merged is reverted with its task. What no task brought is undone by a pull request that
    a person merges; until then every later deployment that carries it is refused.
    """
    for deployment in by_hand if order.environment == PRODUCTION else ():
        entry = Quarantine(deployment.sha, "", order.reason[:500], ctx.now())
        ctx.book(f"quarantine:{deployment.sha}", ctx.ledger.quarantine, entry)
    _incident(ctx, order, bad, taken)
    elsewhere = bool(taken.release) and taken.release != bad.previous_release
    if order.environment != PRODUCTION or not (by_hand or elsewhere) or not taken.release:
        return ""
    return _prepared(ctx, order, bad, taken)


def _prepared(ctx: Context, order: RollbackOrder, bad: Deployment, taken: TakenBack) -> str:
    sha = bad.previous_sha
    if taken.release != bad.previous_release or not sha:
        state = ctx.read("state after", ctx.target.state, order.environment)
        sha = next((each.sha for each in state.releases if each.release == taken.release), "")
    if not sha:
        return ""
    wish = BranchOrder(order.id, order.environment, sha, taken.release, order.by, order.reason)
    try:
        pull = open_back_pull(ctx, wish, (f"{bad.release} (commit {bad.sha[:12]})",))
    except KeelwayError as error:
        ctx.record(EventKind.EFFECT_FAILED, "rollback branch", effect="rollback branch", error=error.message)
        return f" Git could not be brought back: {error.message}"
    if pull is None:
        return ""
    tell(ctx, Actor(ctx.project.owner), f"{order.environment}: git runs ahead", said_of(pull))
    return f" {said_of(pull)}"


def _incident(ctx: Context, order: RollbackOrder, bad: Deployment, taken: TakenBack) -> None:
    if order.environment != PRODUCTION or not ctx.engine.patch("order-incident"):
        return
    good = taken.release if taken.verified else ""
    facts = OrderIncident(
        order.environment,
        bad.release,
        good,
        order.reason,
        str(order.by),
        taken.total_seconds,
        taken.rows_lost,
        ctx.now(),
    )
    title, body = order_incident(facts)
    task = order.task.id if order.task else ""
    ctx.book("incident", ctx.ledger.open_incident, task, title, body, ctx.key("incident"))
