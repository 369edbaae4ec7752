"""Figures of delivery out of the book, and who is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.workflows.world import World

from keelway.app.control.alarm import Alarm
from keelway.app.queries import Queries
from keelway.app.view.figures import alerts_of, delivery_view
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, SYSTEM, Request, Source, Task
from keelway.core.policy import AlertPolicy
from keelway.ports.ledger import Deployment, TaskRow

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def deployment(number: int, status: str = "superseded", **figures: object) -> Deployment:
    started = NOW - timedelta(hours=24 - number)
    verdict = started + timedelta(seconds=940)
    told = {
        "build_seconds": 20.0,
        "observed_seconds": 900.0,
        "verdict_at": verdict.isoformat(),
        "requests": 1_000,
        "errors": 10,
        "rate_before": 0.01,
        "rate_after": 0.01,
    } | figures
    return Deployment(
        f"d{number}", f"t{number}", PRODUCTION, f"r-{number}", "a" * 40, status, number, started,
        finished_at=verdict + timedelta(seconds=60), figures=told,
    )  # fmt: skip


def row(task: str) -> TaskRow | None:
    if task == "t3":
        return None
    source = Source.DETECTOR if task == "t2" else Source.CLI
    who = SYSTEM if task == "t2" else OWNER
    request = Request("x", who, NOW - timedelta(days=2), source=source, hotfix=task == "t1")
    return TaskRow(Task(task, 1, "p", request), Status.DEPLOYED)


def test_each_deployment_and_all_together():
    entries = [
        deployment(1),
        deployment(2, "live"),
        deployment(3, "rolled_back", back_seconds=2.5),
        replace(deployment(4, "failed"), figures={}),
        replace(deployment(5), environment=STAGING),
        replace(deployment(6), started_at=NOW - timedelta(days=40)),
        deployment(7, "observing"),
    ]
    view = delivery_view(entries, row, AlertPolicy(), NOW)
    assert [each.release for each in view.deployments] == ["r-4", "r-3", "r-2", "r-1"]
    failed, back, live, _ = view.deployments
    assert (live.build_seconds, live.deploy_seconds, live.verify_seconds) == (20.0, 60.0, 900.0)
    assert (back.rolled_back, back.back_seconds, back.outcome) == (True, 2.5, "rolled_back")
    assert failed.outcome == "failed"
    assert (view.summary.success_rate, view.summary.rollback_rate) == (0.5, 0.25)
    assert view.dora.change_fail_rate == 1 / 3
    assert view.dora.rework_rate == 2 / 3
    assert view.dora.recovery_seconds_median == 960.0
    assert view.dora.lead_seconds_median is not None
    assert view.dora.lead_seconds_median > 86_400


def test_a_deployment_by_hand_and_damaged_figures_are_shown_too():
    by_hand = replace(
        deployment(1, "live"), task="order", figures={"observed_seconds": True, "verdict_at": "x"}
    )
    view = delivery_view([by_hand], lambda _: None, AlertPolicy(), NOW)
    assert view.deployments[0].deploy_seconds == 1_000.0
    assert view.dora.lead_seconds_median is None


def test_alerts_come_from_production_alone():
    slow = deployment(1, "live", build_seconds=900.0)
    (alert,) = alerts_of([slow, deployment(2, "rolled_back")][:1], AlertPolicy(), NOW)
    assert alert.code == "deploy_seconds"
    worse = deployment(1, "live", rate_after=0.02)
    assert [each.code for each in alerts_of([worse], AlertPolicy(), NOW)] == ["error_rate"]
    assert alerts_of([replace(slow, environment=STAGING)], AlertPolicy(), NOW) == ()


def test_what_is_out_of_bounds_is_told_once_a_day(tmp_path):
    world = World(tmp_path)
    try:
        now = datetime.now(UTC)
        slow = replace(deployment(1, "live", build_seconds=900.0), started_at=now - timedelta(hours=1))
        figures = {**slow.figures, "verdict_at": now.isoformat(), "observed_seconds": 60.0}
        world.ledger.save_deployment(replace(slow, finished_at=now, figures=figures))
        alarm = Alarm(world.app)
        assert alarm.look() == ("deploy_seconds",)
        assert alarm.look() == ()
        (message,) = world.notifier.messages
        assert (message.to, message.urgent) == ("owner@cli", True)
        assert "The last deployment took" in message.body
        view = Queries.of(world.app, world.engine).metrics(PRODUCTION, days=7)
        assert view.alerts[0].code == "deploy_seconds"
        assert view.deployments[0].release == "r-1"
    finally:
        world.close()
