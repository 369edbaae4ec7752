"""Reports to the requester: live, failed, rolled back, refused; with the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding
from keelway.core.words.text import bullets, clean, duration, instant, line, percent, short

_USAGE_CHARS_MAX = 4_000


@dataclass(frozen=True, kw_only=True)
class SuccessStory:
    """Hold what a success report tells."""

    task: Task
    title: str
    summary: tuple[str, ...]
    """What was built, one line each."""
    tests: int
    """How many tests passed."""
    release: str
    sha: str
    deployed_at: datetime
    window_seconds: float
    judgement: str
    """The decision of the observation with its figures."""
    usage: str = ""
    previous_release: str = ""
    total_seconds: float = 0.0
    """From the request to the end of the window."""
    watch_seconds: float = 0.0
    issue: int | None = None


@dataclass(frozen=True, kw_only=True)
class FailureStory:
    """Hold what a failure report tells."""

    task: Task
    title: str
    stage: str
    findings: tuple[Finding, ...]
    done: tuple[str, ...] = ()
    """What was undone or left as it was, one line each."""
    issue: int | None = None
    need: str = ""
    """What a person can do to help."""


@dataclass(frozen=True, kw_only=True)
class RollbackStory:
    """Hold what a rollback report tells; ``None`` where a figure was not measured."""

    task: Task
    title: str
    environment: str
    reason: str
    bad_release: str
    good_release: str
    error_rate: float | None = None
    baseline_rate: float | None = None
    requests: int | None = None
    observed_seconds: float | None = None
    """How long the bad release had been watched."""
    traffic_seconds: float | None = None
    """From the verdict until traffic was on the good release."""
    total_seconds: float | None = None
    rows_lost: int | None = None
    """Rows written after the backup that was restored; ``None`` when nothing was restored."""
    reverted_sha: str = ""
    quarantined: bool = False
    verified: bool = False
    """The good release passed its probes afterwards."""
    issue: int | None = None


def success_report(story: SuccessStory) -> str:
    """Tell the requester that the task is live."""
    summary = [
        *map(line, story.summary),
        f"{story.tests} tests passing",
        f"Deployed to production at {instant(story.deployed_at)} as {story.release} ({short(story.sha)})",
        f"Watched for {duration(story.window_seconds)}: {line(story.judgement)}",
    ]
    if story.total_seconds:
        summary.append(f"{duration(story.total_seconds)} from the request to here")
    parts = [f"✓ {story.task.name} is live: {line(story.title)}", f"Summary:\n{bullets(summary)}"]
    if story.usage.strip():
        parts.append(f"How to use it:\n{_indented(story.usage)}")
    if story.previous_release:
        parts.append(f"Way back: keelway rollback {story.task.name} (to {story.previous_release})")
    if story.watch_seconds:
        parts.append(f"I keep watching it for {duration(story.watch_seconds)} and tell you about anomalies.")
    return _joined(parts, story.issue, "Issue closed")


def failure_report(story: FailureStory) -> str:
    """Tell the requester that the task failed, why, and what was left behind."""
    parts = [
        f"✗ {story.task.name} failed in {line(story.stage)}: {line(story.title)}",
        f"Why:\n{bullets(_reason(finding) for finding in story.findings)}",
    ]
    if story.done:
        parts.append(f"State:\n{bullets(map(line, story.done))}")
    need = line(story.need) if story.need else "read the reasons, then ask again"
    parts.append(f"You can help: {need}\nTry again: keelway retry {story.task.name}")
    return _joined(parts, story.issue, "Documented in issue")


def rollback_report(story: RollbackStory) -> str:
    """Tell the requester that a release was taken back, with the numbers."""
    to = f"{story.bad_release} -> {story.good_release}"
    head = f"↩ {story.task.name} was rolled back on {line(story.environment)}: {line(story.title)}"
    if not story.verified:
        head = f"! {story.task.name}: the rollback on {line(story.environment)} is not verified: {line(story.title)}"
    parts = [
        head,
        f"Why: {line(story.reason)}",
        f"Figures:\n{bullets(_figures(story))}",
        f"State:\n{bullets([f'Release: {to}', *_aftermath(story)])}",
    ]
    return _joined(parts, story.issue, "Incident")


def refusal(task_or_text: str, findings: Iterable[Finding]) -> str:
    """Tell the requester that a request or command was refused, with every reason."""
    reasons = bullets(_reason(finding) for finding in findings)
    return f"Not accepted: {line(task_or_text)}\n\nWhy:\n{reasons}\n"


def aborted_report(task: Task, by: str, reason: str, done: tuple[str, ...] = ()) -> str:
    """Tell the requester that somebody stopped the task."""
    why = f": {line(reason)}" if reason else "."
    return f"{task.name} was aborted by {line(by)}{why}\n\nState:\n{bullets(map(line, done))}\n"


def _reason(finding: Finding) -> str:
    return f"{line(finding.message, 600)} [{finding.code}]"


def _figures(story: RollbackStory) -> list[str]:
    figures = []
    if story.error_rate is not None:
        before = f", {percent(story.baseline_rate)} before" if story.baseline_rate is not None else ""
        figures.append(f"Error rate: {percent(story.error_rate)}{before}")
    if story.requests is not None:
        figures.append(f"Requests seen: {story.requests}")
    times = (
        ("Watched for", story.observed_seconds),
        ("Traffic was back after", story.traffic_seconds),
        ("Everything was back after", story.total_seconds),
    )
    figures += [f"{name}: {duration(seconds)}" for name, seconds in times if seconds is not None]
    lost = (
        "none, no backup was restored"
        if story.rows_lost is None
        else f"{story.rows_lost} rows written since the backup"
    )
    return [*figures, f"Data lost: {lost}"]


def _aftermath(story: RollbackStory) -> list[str]:
    rows = [
        "Health afterwards: " + ("all probes pass" if story.verified else "NOT confirmed, a person is paged")
    ]
    if story.reverted_sha:
        rows.append(f"The merge was reverted by {short(story.reverted_sha)}")
    if story.quarantined:
        rows.append("The commit is quarantined; no later deploy can carry it without its revert")
    return rows


def _indented(text: str) -> str:
    rows = clean(text).strip()[:_USAGE_CHARS_MAX].split("\n")
    return "\n".join(f"  {row}".rstrip() for row in rows)


def _joined(parts: list[str], issue: int | None, name: str) -> str:
    tail = [f"{name}: #{issue}"] if issue is not None else []
    return "\n\n".join([*parts, *tail]) + "\n"
