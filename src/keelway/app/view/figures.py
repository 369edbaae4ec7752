"""Figures of the last 30 days and the alerts that policy derives from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from keelway.app.view.system import AlertView
from keelway.core.model.project import PRODUCTION
from keelway.core.policy import AlertPolicy
from keelway.core.words.alert import figure_alert
from keelway.core.words.text import duration
from keelway.ports.ledger import Deployment

DAYS = 30
SAMPLE_MIN = 5
"""Fewer deployments say nothing about a rate."""

_GOOD, _BACK = frozenset({"live", "superseded"}), frozenset({"rolled_back"})
_SETTLED = _GOOD | _BACK | {"failed"}


def alerts_of(deployments: Iterable[Deployment], policy: AlertPolicy, now: datetime) -> tuple[AlertView, ...]:
    """Return an alert for each figure of production that is out of its bounds."""
    since = now - timedelta(days=DAYS)
    settled = [
        entry
        for entry in deployments
        if entry.environment == PRODUCTION and entry.status in _SETTLED and entry.started_at >= since
    ]
    return (*_rates(settled, policy), *_slow(settled, policy))


def _rates(settled: list[Deployment], policy: AlertPolicy) -> tuple[AlertView, ...]:
    if len(settled) < SAMPLE_MIN:
        return ()
    success = sum(entry.status in _GOOD for entry in settled) / len(settled)
    back = sum(entry.status in _BACK for entry in settled) / len(settled)
    alerts = []
    if success < policy.success_rate_min:
        text = figure_alert("The success rate of deployments", success, policy.success_rate_min, days=DAYS)
        alerts.append(AlertView("success_rate", text.strip()))
    if back > policy.rollback_rate_max:
        text = figure_alert("The rollback rate", back, policy.rollback_rate_max, days=DAYS)
        alerts.append(AlertView("rollback_rate", text.strip()))
    return tuple(alerts)


def _slow(settled: list[Deployment], policy: AlertPolicy) -> tuple[AlertView, ...]:
    newest = max(settled, key=lambda entry: entry.started_at, default=None)
    seconds = newest.figures.get("deploy_seconds") if newest else None
    if newest is None or not isinstance(seconds, int | float) or seconds <= policy.deploy_seconds_max:
        return ()
    limit = duration(policy.deploy_seconds_max)
    text = f"The last deployment took {duration(seconds)} ({newest.release}); the limit is {limit}."
    return (AlertView("deploy_seconds", text),)
