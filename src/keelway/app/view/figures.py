"""Figures of deployments: each one, the last days together, what is aimed at, and what calls for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keelway.app.view.system import AlertView
from keelway.core.delivery.dora import Dora, dora
from keelway.core.delivery.metrics import DeploymentFact, Metrics, Outcome, summarise
from keelway.core.delivery.target import Goal, alarms, goals
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import Source
from keelway.core.policy import AlertPolicy
from keelway.ports.ledger import Deployment, TaskRow

DAYS = 30
SHOWN_MAX = 20
_GOOD, _BACK = frozenset({"live", "superseded"}), frozenset({"rolled_back"})
_SETTLED = _GOOD | _BACK | {"failed"}

Find = Callable[[str], TaskRow | None]
"""Return the task of an id, ``None`` where there is none."""


@dataclass(frozen=True)
class DeploymentFigures:
    """Show the figures of one deployment."""

    release: str
    task: str
    outcome: str
    started_at: datetime
    deploy_seconds: float
    """From the begin of its build until it had all traffic, or until it failed."""
    build_seconds: float | None = None
    verify_seconds: float | None = None
    error_rate_before: float | None = None
    error_rate_after: float | None = None
    rolled_back: bool = False
    back_seconds: float | None = None
    """How long the way back took."""


@dataclass(frozen=True)
class DeliveryView:
    """Show how well delivery to an environment works."""

    environment: str
    days: int
    deployments: tuple[DeploymentFigures, ...]
    """The newest first."""
    summary: Metrics
    dora: Dora
    goals: tuple[Goal, ...]
    alerts: tuple[AlertView, ...] = ()


def delivery_view(
    deployments: Iterable[Deployment],
    find: Find,
    policy: AlertPolicy,
    now: datetime,
    *,
    environment: str = PRODUCTION,
    days: int = DAYS,
) -> DeliveryView:
    """Measure the deployments of an environment in the last days."""
    settled = _settled(deployments, environment, now, days)
    facts = [fact_of(entry, find(entry.task)) for entry in settled]
    metrics = summarise(facts)
    shown = tuple(_shown(entry, fact) for entry, fact in zip(settled, facts, strict=True))
    found = alarms(facts, metrics, policy, _errors(settled), days=days)
    return DeliveryView(
        environment,
        days,
        shown[::-1][:SHOWN_MAX],
        metrics,
        dora(facts, days),
        goals(metrics, policy),
        tuple(AlertView(each.code, each.message) for each in found),
    )


def alerts_of(deployments: Iterable[Deployment], policy: AlertPolicy, now: datetime) -> tuple[AlertView, ...]:
    """Return an alert for each figure of production that is out of its bounds."""
    return delivery_view(deployments, lambda _: None, policy, now).alerts


def fact_of(deployment: Deployment, row: TaskRow | None) -> DeploymentFact:
    """Return what a finished deployment was, as far as the book knows."""
    figures = deployment.figures
    build_seconds = _number(figures, "build_seconds")
    began_at = deployment.started_at - timedelta(seconds=build_seconds or 0.0)
    served_at = _served_at(deployment)
    back = deployment.status in _BACK
    outcome = (
        Outcome.DEPLOYED if deployment.status in _GOOD else Outcome.ROLLED_BACK if back else Outcome.FAILED
    )
    ended_at = served_at or deployment.finished_at or deployment.started_at
    request = row.task.request if row else None
    asked_at = request.requested_at if request and request.requested_at <= ended_at else None
    return DeploymentFact(
        began_at,
        max(began_at, ended_at),
        outcome,
        asked_at,
        broken_at=served_at if back else None,
        restored_at=deployment.finished_at if back and served_at else None,
        build_seconds=build_seconds,
        verify_seconds=_number(figures, "observed_seconds"),
        rate_before=_number(figures, "rate_before"),
        rate_after=_number(figures, "rate_after"),
        served=outcome is Outcome.DEPLOYED or served_at is not None,
        unplanned=request is not None and (request.hotfix or request.source is Source.DETECTOR),
    )


def _served_at(deployment: Deployment) -> datetime | None:
    """Return when a deployment had the traffic: its watch began then; one by hand has no watch."""
    figures = deployment.figures
    observed = _number(figures, "observed_seconds")
    try:
        verdict_at = datetime.fromisoformat(str(figures["verdict_at"]))
    except (KeyError, ValueError):
        return deployment.finished_at if deployment.status in _GOOD else None
    finished = deployment.finished_at or verdict_at
    return min(finished, verdict_at - timedelta(seconds=observed or 0.0))


def _settled(
    deployments: Iterable[Deployment], environment: str, now: datetime, days: int
) -> list[Deployment]:
    since = now - timedelta(days=days)
    settled = [
        entry
        for entry in deployments
        if entry.environment == environment and entry.status in _SETTLED and entry.started_at >= since
    ]
    return sorted(settled, key=lambda entry: entry.started_at)


def _shown(entry: Deployment, fact: DeploymentFact) -> DeploymentFigures:
    return DeploymentFigures(
        entry.release,
        entry.task,
        fact.outcome.value,
        fact.started_at,
        (fact.finished_at - fact.started_at).total_seconds(),
        fact.build_seconds,
        fact.verify_seconds,
        fact.rate_before,
        fact.rate_after,
        fact.outcome is Outcome.ROLLED_BACK,
        _number(entry.figures, "back_seconds"),
    )


def _errors(settled: list[Deployment]) -> int:
    return int(_number(settled[-1].figures, "errors") or 0) if settled else 0


def _number(figures: dict[str, Any], name: str) -> float | None:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
