"""Short messages that call a person: anomalies, figures out of bounds, the freeze, a page."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding
from keelway.core.rule.freeze import Freeze
from keelway.core.words.text import bullets, duration, instant, line, percent


def watch_alert(task: Task, findings: Iterable[Finding], since_seconds: float, *, armed: bool) -> str:
    """Tell that a live release behaves differently."""
    action = (
        "It is being rolled back now."
        if armed
        else f"Nothing was rolled back. If you want it: keelway rollback {task.name}"
    )
    reasons = bullets(line(finding.message) for finding in findings)
    return f"! {task.name} shows an anomaly {duration(since_seconds)} after it went live\n\n{reasons}\n\n{action}\n"


def figure_alert(name: str, value: float, limit: float, *, days: int = 30) -> str:
    """Tell that a figure of the last days is out of its bounds; both are shares of one."""
    side = "above" if value > limit else "below"
    return f"! {line(name)} was {percent(value)} in the last {days} days, {side} the limit of {percent(limit)}.\n"


def slow_deploy_alert(task: Task, seconds: float, limit_seconds: float) -> str:
    """Tell that a deployment took longer than the policy allows."""
    return (
        f"! The deployment of {task.name} took {duration(seconds)}; the limit is {duration(limit_seconds)}.\n"
    )


def freeze_notice(freeze: Freeze) -> str:
    """Tell that the emergency stop was pulled or lifted."""
    by = line(freeze.by) or "an unknown person"
    if not freeze.active:
        return f"The freeze was lifted by {by}. Effects go on.\n"
    since = f" at {instant(freeze.since)}" if freeze.since else ""
    why = f": {line(freeze.reason)}" if freeze.reason else "."
    return f"! Everything is frozen by {by}{since}{why}\nA rollback that has begun finishes. Lift it: keelway unfreeze\n"


def drift_alert(environment: str, findings: Iterable[Finding]) -> str:
    """Tell that somebody changed an environment, or a protected branch, by hand."""
    where = line(environment)
    return (
        f"! {where} is not as recorded\n\n{bullets(line(finding.message) for finding in findings)}\n\n"
        f"No deployment to {where} goes on. Keep what runs: keelway drift {where} --adopt. "
        f"Put back what is recorded: keelway drift {where} --restore\n"
    )


def page(environment: str, reason: str, next_steps: Iterable[str]) -> str:
    """Call a person at once: the way back did not work by itself."""
    return (
        f"!! {line(environment)} needs you now: {line(reason, 600)}\n\n"
        f"It is frozen until you act.\n\nNext:\n{bullets(map(line, next_steps))}\n"
    )
