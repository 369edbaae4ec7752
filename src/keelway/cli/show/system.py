"""The installation in text."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.app.doctor.check import Check
from keelway.app.view.system import (
    AuditReport,
    DeployPreview,
    EnvironmentReleases,
    HealthView,
    OrderView,
    StatusView,
    WorkerView,
)
from keelway.cli.show.task import deployment_table, event, questions, task_table
from keelway.cli.show.text import ago, facts, say, table
from keelway.core.judge.flaky import FlakyTest
from keelway.core.model.fence import Fence
from keelway.core.rule.freeze import Freeze
from keelway.core.words.text import amount, instant, short


def status_page(view: StatusView) -> None:
    """Print the installation at a glance."""
    if view.freeze.active:
        say(frozen_line(view.freeze), style="bold red")
    if not view.running:
        say("The control plane does not run; this is what the book says. Next: keelway up", style="yellow")
    facts(
        (
            ("project", view.project),
            ("home", view.home),
            ("tasks", _counts(view.counts)),
            ("spent today", _spent(view)),
        )
    )
    for lock in view.locks:
        say(lock.sentence, style="yellow")
    for alert in view.alerts:
        say(alert.message, style="red")
    say("")
    rows = [
        (
            place.name,
            place.active or place.recorded or "nothing",
            ("healthy" if place.healthy else f"not healthy {place.detail}") if place.asked else "not asked",
            place.task or ("by hand" if place.recorded else ""),
            ago(place.since),
            place.url,
        )
        for place in view.environments
    ]
    table(("ENVIRONMENT", "RUNS", "HEALTH", "TASK", "SINCE", "URL"), rows)
    if view.workers:
        say("")
        table(
            ("WORKER", "HOST", "ROLES", "STATE", "LAST HEARD OF"),
            [_worker(worker) for worker in view.workers],
        )
    say("")
    task_table(view.tasks)
    questions(view.questions)
    latest = [each for each in view.events if each.loud][-8:]
    if latest:
        say("", *(event(each) for each in latest))
    if view.fence is not None:
        say("", view.fenced, style=fence_style(view.fence))


def fence_style(fence: Fence) -> str:
    """Return how loudly it is said what fences agents."""
    if fence.trusted_only or not fence.works:
        return "bold red"
    return "yellow" if fence.missing else "dim"


def _spent(view: StatusView) -> str:
    """Return today's cost beside its cap, and the project's where it has one."""
    if view.caps:
        return "; ".join(cap.sentence for cap in view.caps)
    return amount(view.today_usd) if view.today_usd else ""


def _worker(worker: WorkerView) -> tuple[str, str, str, str, str]:
    roles = ", ".join(worker.roles) + (" (control plane)" if worker.hub else "")
    return worker.name, worker.host, roles, worker.state, ago(worker.heard_at)


def frozen_line(freeze: Freeze) -> str:
    """Return the emergency stop as one line."""
    if not freeze.active:
        return "No freeze is in force."
    since = f" since {instant(freeze.since)}" if freeze.since else ""
    why = f": {freeze.reason}" if freeze.reason else ""
    return f"FROZEN by {freeze.by or 'an unknown person'}{since}{why}. Lift it: keelway unfreeze"


def releases_page(places: Iterable[EnvironmentReleases]) -> None:
    """Print the timeline of each environment and where it could go back to."""
    for place in places:
        say(f"{place.environment}: {place.active or 'nothing runs'}", style="bold")
        if place.deployments:
            deployment_table(place.deployments)
        target_list(place)
        say("")


def target_list(place: EnvironmentReleases) -> None:
    """Print the ranked ways back with their numbers."""
    if not place.targets:
        say(f"No release of {place.environment} can be gone back to yet.")
        return
    say(f"Ways back, the best evidence first (keelway rollback {place.environment} --to NUMBER):")
    for number, target in enumerate(place.targets, 1):
        say(f"  {number}  {target.release}  {'; '.join(target.reasons)}")


def deploy_preview(view: DeployPreview) -> None:
    """Print what a deployment would bring."""
    facts(
        (
            ("environment", view.environment),
            ("would run", f"{view.release} ({view.ref}, {short(view.sha)})"),
            ("runs now", view.active or "nothing"),
            ("effect", "none, it runs already" if view.already else ""),
        )
    )


def order(view: OrderView) -> None:
    """Print how an order ended."""
    say(view.message or f"The order is {view.status}.", style="" if view.ok else "red")


def health_page(views: Iterable[HealthView]) -> None:
    """Print live answers."""
    rows = [
        (
            view.environment,
            view.release or "nothing",
            probe.name,
            "ok" if probe.ok else "failed",
            f"{probe.latency_ms:.0f} ms",
            probe.detail or probe.status,
            f"{view.errors} of {view.requests} failed",
        )
        for view in views
        for probe in view.probes
    ]
    table(("ENVIRONMENT", "RUNS", "PROBE", "RESULT", "LATENCY", "ANSWER", "REQUESTS"), rows)


def audit_report(report: AuditReport) -> None:
    """Print what a walk over the audit chain found."""
    word = "whole" if report.ok else "BROKEN"
    say(f"The audit chain is {word}: {report.sentence}", style="green" if report.ok else "bold red")
    if report.signed:
        say(f"{report.signed} signed head(s) fit it, the last one up to event {report.signed_to}.")
    elif report.ok:
        say("No head was signed yet; keelway up signs.", style="yellow")


def checks(found: Iterable[Check]) -> None:
    """Print checked wires, the cure under each that needs one."""
    shown = list(found)
    table(("CHECK", "STATE", "FOUND"), [(check.name, check.state, check.sentence) for check in shown])
    cures = [f"  {check.name}: {check.next}" for check in shown if check.next and check.state != "ok"]
    if cures:
        say("", "Next:", *cures)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"


def flaky_page(found: Iterable[FlakyTest]) -> None:
    """Print the tests that fail by chance as rows."""
    rows = [
        (each.test, str(each.times), str(each.excused), ago(each.last_at), each.last_task) for each in found
    ]
    if rows:
        table(("TEST", "SEEN", "EXCUSED", "LAST", "TASK"), rows)
    else:
        say("No test was seen to fail by chance.")
