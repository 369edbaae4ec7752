"""What the book says should run, and whether that is what does."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.core.model.verdict import Ruling
from keelway.core.release.drift import Seen, refuse_drift
from keelway.core.release.standing import Past, Standing, standing
from keelway.ports.ledger import Deployment
from keelway.ports.target import EnvironmentState
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed


def past_of(entry: Deployment) -> Past:
    """Return what decides about one deployment."""
    figures = entry.figures
    return Past(
        entry.id,
        entry.release,
        entry.sha,
        entry.status,
        entry.task,
        entry.schema_after,
        str(figures.get("back_release") or ""),
        bool(figures.get("back_verified", True)),
    )


def standing_of(history: Iterable[Deployment]) -> Standing:
    """Return what should run, from the deployments of one environment, the newest first."""
    return standing(past_of(entry) for entry in history)


def seen_of(state: EnvironmentState) -> Seen:
    """Return what an environment says about itself, reduced to what is compared."""
    running = {release.release: release for release in state.releases}
    beside = tuple(
        release.release for release in state.releases if release.weight and release.release != state.active
    )
    sha = running[state.active].sha if state.active in running else ""
    return Seen(True, state.active, sha, state.schema, beside, state.epoch, state.detail)


def insist_no_drift(ctx: Context, state: EnvironmentState, release: str) -> None:
    """Refuse to deploy onto what somebody changed by hand: the way back would lead nowhere.

    Raises:
        StageFailed: what runs is neither what is recorded nor what is being deployed.
    """
    if not ctx.engine.patch("drift"):
        return
    book = standing_of(ctx.read("recorded", ctx.ledger.deployments, state.environment))
    found = refuse_drift(book, seen_of(state), release)
    if found.ruling is not Ruling.PASS:
        raise StageFailed(found.code, found.message, "keelway drift", (found,))
