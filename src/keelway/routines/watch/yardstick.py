"""Read the time before a deploy; what a release did that was taken back in it is no yardstick for the next."""

from __future__ import annotations

from datetime import datetime

from keelway.core.measure.sample import Tick, outside
from keelway.core.observe.sight import Past
from keelway.core.release.rollback import BAD_STATUSES
from keelway.ports.ledger import Deployment, Ledger
from keelway.ports.signal import Signal


def good_ticks(
    signal: Signal, ledger: Ledger, environment: str, *, span: tuple[datetime, datetime], tick_seconds: float
) -> tuple[Tick, ...]:
    """Read the numbers of a time, all releases together, without the while that a release served which was taken back."""
    ticks = signal.ticks(environment, "", *span, tick_seconds)
    bad = _taken_back(ledger, environment)
    return outside(ticks, [(entry.started_at, entry.finished_at or span[1]) for entry in bad])


def good_past(
    signal: Signal, ledger: Ledger, deployment: Deployment, *, span: tuple[datetime, datetime]
) -> Past:
    """Read what is known of the time before a deploy, without the releases that were taken back in it."""
    since, until = span
    bad = {
        entry.release
        for entry in _taken_back(ledger, deployment.environment)
        if entry.started_at < until and (entry.finished_at or until) > since
    }
    others = tuple(sorted(bad - {deployment.release}))
    return signal.past(deployment.environment, deployment.release, since, until, others)


def _taken_back(ledger: Ledger, environment: str) -> list[Deployment]:
    return [entry for entry in ledger.deployments(environment) if entry.status in BAD_STATUSES]
