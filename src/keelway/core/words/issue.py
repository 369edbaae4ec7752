"""Issues on the forge: the tracking issue, the escalation that names the blocker, the incident."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding
from keelway.core.words.pr import marker
from keelway.core.words.report import RollbackStory, rollback_report
from keelway.core.words.text import bullets, code, duration, fenced, inline, instant, line

TRACKING_LABELS = ("agent-developed",)
ESCALATION_LABELS = ("agent-developed", "needs-person")
INCIDENT_LABELS = ("agent-developed", "incident")
_TITLE_CHARS_MAX = 120


def tracking_title(task: Task) -> str:
    """Return the title of the issue that follows a task."""
    return f"[Agent] {line(task.request.text, _TITLE_CHARS_MAX)}"


def tracking_body(task: Task) -> str:
    """Return the text of the issue that follows a task."""
    request = task.request
    return (
        f"Task {task.name}, requested by {inline(str(request.requested_by))} ({request.source.value}) "
        f"at {instant(request.requested_at)}. Severity: {request.severity.value}.\n\n"
        f"Original message:\n\n{fenced(request.text)}\n\n{marker(task)}\n"
    )


def escalation_title(task: Task, blocker: str) -> str:
    """Return the title of the issue that asks a person for help."""
    return f"[Agent] {task.name} needs help: {line(blocker, _TITLE_CHARS_MAX)}"


def escalation_body(
    task: Task, *, iterations: int, seconds: float, findings: Iterable[Finding], output: str
) -> str:
    """Return the text that tells a person what blocks the task and what was tried."""
    reasons = bullets(f"{code(finding.code)}: {inline(finding.message, 600)}" for finding in findings)
    return (
        f"The agent could not finish {task.name} in {iterations} iterations ({duration(seconds)}).\n\n"
        f"## What blocks\n\n{reasons}\n\n## Last output\n\n{fenced(output)}\n\n"
        f"## The request\n\n{fenced(task.request.text)}\n\n"
        f"## What you can do\n\n- [ ] Answer the blocker here, then run `keelway retry {task.name}`\n"
        f"- [ ] Or end the task: `keelway abort {task.name}`\n\n{marker(task)}\n"
    )


def incident_title(task: Task, environment: str, reason: str) -> str:
    """Return the title of an incident."""
    return f"[Incident] {task.name} on {line(environment)}: {line(reason, _TITLE_CHARS_MAX)}"


def incident_body(story: RollbackStory, at: datetime, timeline: Iterable[str]) -> str:
    """Return the report of an incident with its timeline."""
    return (
        f"Happened at {instant(at)}.\n\n{fenced(rollback_report(story))}\n\n"
        f"## Timeline\n\n{bullets(map(inline, timeline))}\n\n"
        f"## Before it is tried again\n\n- [ ] Find out why staging did not catch it\n"
        f"- [ ] Add a probe or a test that would have\n\n{marker(story.task)}\n"
    )
