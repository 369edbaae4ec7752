"""Commit messages: a subject, what a reader needs, and the trailers that tie a commit to its task."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.model.plan import Kind, Plan
from keelway.core.model.task import Task
from keelway.core.words.text import line, prose, short

_SUBJECT_CHARS_MAX = 100


@dataclass(frozen=True)
class FixStory:
    """Tell what was wrong and what cures it, for the commit of a fix."""

    issue: str
    root_cause: str
    fix: str
    impact: str
    testing: str


def subject(plan: Plan, pull_request: int | None = None) -> str:
    """Return the first line: kind, title and, when merged, the number of the pull request."""
    title = line(plan.title, _SUBJECT_CHARS_MAX)
    prefix = f"{plan.kind.value}: "
    head = title if title.casefold().startswith(prefix) else prefix + title
    return f"{head} (#{pull_request})" if pull_request is not None else head


def commit_message(
    plan: Plan, task: Task, *, fix: FixStory | None = None, pull_request: int | None = None
) -> str:
    """Return the whole message of a task's commit."""
    body = _fix_body(fix) if fix is not None else prose(plan.approach)
    trailers = [f"Requested-by: {line(str(task.request.requested_by))}", f"Agent-task: {task.name}"]
    if plan.kind is Kind.FIX:
        trailers.insert(0, f"Severity: {task.request.severity.value}")
    return "\n\n".join((subject(plan, pull_request), body, "\n".join(trailers))) + "\n"


def _fix_body(fix: FixStory) -> str:
    rows = (
        ("Issue", fix.issue),
        ("Root Cause", fix.root_cause),
        ("Fix", fix.fix),
        ("Impact", fix.impact),
        ("Testing", fix.testing),
    )
    return "\n".join(f"{name}: {line(text) or 'not stated'}" for name, text in rows)


def promotion_title(source: str, target: str, task: Task) -> str:
    """Return the subject of a promotion, such as ``deploy: promote develop to production (T-142)``."""
    return f"deploy: promote {line(source)} to {line(target)} ({task.name})"


def promotion_commit(source: str, target: str, task: Task) -> str:
    """Return the whole message of a promotion's merge commit."""
    by = line(str(task.request.requested_by))
    return f"{promotion_title(source, target, task)}\n\nRequested-by: {by}\nAgent-task: {task.name}\n"


def revert_message(task: Task, sha: str, title: str, reason: str) -> str:
    """Return the message of the commit that takes ``sha`` back."""
    return (
        f'Revert "{line(title, _SUBJECT_CHARS_MAX)}"\n\n'
        f"This reverts commit {sha}.\n\n{prose(reason)}\n\n"
        f"Reverts: {short(sha)}\nAgent-task: {task.name}\n"
    )
