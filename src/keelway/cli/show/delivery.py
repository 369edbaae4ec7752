"""Figures of delivery in text."""

from __future__ import annotations

from keelway.app.view.figures import DeliveryView, DeploymentFigures
from keelway.cli.show.text import ago, facts, say, table
from keelway.core.words.text import duration, percent


def delivery_page(view: DeliveryView) -> None:
    """Print how well delivery to an environment works."""
    say(f"{view.environment}, the last {view.days} days", style="bold")
    for alert in view.alerts:
        say(alert.message, style="red")
    summary, five = view.summary, view.dora
    pace = "" if five.deployments_per_day is None else f"{five.deployments_per_day:.2f} a day"
    facts(
        (
            ("deployments", str(summary.deployments)),
            ("deployment frequency", pace),
            ("lead time, from request", _time(five.lead_seconds_median)),
            ("change fail rate", _share(five.change_fail_rate)),
            ("recovery time", _time(five.recovery_seconds_median)),
            ("rework rate", _share(five.rework_rate)),
        )
    )
    for goal in view.goals:
        style = "" if goal.met is None else "green" if goal.met else "yellow"
        say(f"  {goal.sentence}", style=style)
    say("")
    table(
        (
            "RELEASE",
            "WHEN",
            "OUTCOME",
            "BUILD",
            "DEPLOY",
            "VERIFIED IN",
            "ERRORS BEFORE",
            "AFTER",
            "TAKEN BACK IN",
        ),
        [_row(each) for each in view.deployments],
    )


def _row(each: DeploymentFigures) -> tuple[str, ...]:
    return (
        each.release,
        ago(each.started_at),
        each.outcome.replace("_", " "),
        _time(each.build_seconds),
        _time(each.deploy_seconds),
        _time(each.verify_seconds),
        _share(each.error_rate_before),
        _share(each.error_rate_after),
        _time(each.back_seconds),
    )


def _time(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _share(share: float | None) -> str:
    return "" if share is None else percent(share)
