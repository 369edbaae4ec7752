"""Hold figures against what is aimed at and against what calls for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keelway.core.delivery.metrics import DeploymentFact, Metrics
from keelway.core.policy import AlertPolicy
from keelway.core.words.alert import figure_alert
from keelway.core.words.text import duration, percent

SAMPLE_MIN = 5
"""Fewer deployments say nothing about a rate."""

ERRORS_MIN = 10
"""Failed requests below which a higher error rate is chance."""


@dataclass(frozen=True)
class Goal:
    """Compare one figure with its target."""

    name: str
    value: float | None
    target: float
    met: bool | None
    """``None`` where there is nothing to measure."""
    sentence: str


def goals(metrics: Metrics, policy: AlertPolicy) -> tuple[Goal, ...]:
    """Compare every figure that has a target."""
    rates = (
        ("success rate", metrics.success_rate, policy.success_rate_target, True),
        ("rollback rate", metrics.rollback_rate, policy.rollback_rate_target, False),
    )
    times = (
        ("mean deployment time", metrics.deploy_seconds_mean, policy.deploy_seconds_target),
        ("mean verification time", metrics.verify_seconds_mean, policy.verify_seconds_target),
    )
    found = [_rate(*rate) for rate in rates]
    return (*found, *(_time(*time) for time in times))


def _rate(name: str, value: float | None, target: float, high: bool) -> Goal:
    if value is None:
        return Goal(name, None, target, None, f"{name}: nothing measured")
    met = value >= target if high else value <= target
    side = "at least" if high else "at most"
    return Goal(name, value, target, met, f"{name}: {percent(value)}, {side} {percent(target)} is aimed at")


def _time(name: str, value: float | None, target: float) -> Goal:
    if value is None:
        return Goal(name, None, target, None, f"{name}: nothing measured")
    return Goal(
        name,
        value,
        target,
        value <= target,
        f"{name}: {duration(value)}, at most {duration(target)} is aimed at",
    )


@dataclass(frozen=True)
class Alarm:
    """Call for a person because of a figure."""

    code: str
    message: str


def alarms(
    facts: Sequence[DeploymentFact], metrics: Metrics, policy: AlertPolicy, errors: int = 0, *, days: int = 30
) -> tuple[Alarm, ...]:
    """Name every figure that is out of its bounds.

    Args:
        facts: deployments of the last days, oldest first.
        metrics: of the same.
        policy: the bounds.
        errors: failed requests of the newest one.
        days: how many days that are.
    """
    return (*_rate_alarms(metrics, policy, days), *_newest(facts, policy, errors))


def _rate_alarms(metrics: Metrics, policy: AlertPolicy, days: int) -> list[Alarm]:
    found = []
    success, back = metrics.success_rate, metrics.rollback_rate
    if metrics.deployments < SAMPLE_MIN or success is None or back is None:
        return []
    if success < policy.success_rate_min:
        text = figure_alert("The success rate of deployments", success, policy.success_rate_min, days=days)
        found.append(Alarm("success_rate", text.strip()))
    if back > policy.rollback_rate_max:
        text = figure_alert("The rollback rate", back, policy.rollback_rate_max, days=days)
        found.append(Alarm("rollback_rate", text.strip()))
    return found


def _newest(facts: Sequence[DeploymentFact], policy: AlertPolicy, errors: int) -> list[Alarm]:
    """Look at the newest deployment alone."""
    if not facts:
        return []
    newest, found = facts[-1], []
    seconds = (newest.finished_at - newest.started_at).total_seconds()
    if seconds > policy.deploy_seconds_max:
        limit = duration(policy.deploy_seconds_max)
        text = f"! The last deployment took {duration(seconds)}; the limit is {limit}."
        found.append(Alarm("deploy_seconds", text))
    before, after = newest.rate_before, newest.rate_after
    if before is None or after is None or errors < ERRORS_MIN:
        return found
    if after > before * (1 + policy.error_rate_rise_max):
        text = (
            f"! The error rate rose from {percent(before)} to {percent(after)} with the last deployment; "
            f"+{percent(policy.error_rate_rise_max)} is the limit."
        )
        found.append(Alarm("error_rate", text))
    return found
