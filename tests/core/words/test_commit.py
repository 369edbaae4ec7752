"""Commit messages as they are written."""

from __future__ import annotations

from dataclasses import replace

from inline_snapshot import snapshot

from keelway.core.model.plan import Kind, Plan
from keelway.core.model.task import Severity, Task
from keelway.core.words.commit import (
    FixStory,
    commit_message,
    promotion_commit,
    promotion_title,
    revert_message,
    subject,
)


def test_a_feature(plan: Plan, task: Task) -> None:
    assert commit_message(plan, task, pull_request=42) == snapshot("""\
feat: Add XMPP channel support (#42)

Implement the driver contract.
Register it.

Requested-by: anna@telegram
Agent-task: T-142
""")


def test_a_fix(plan: Plan, task: Task) -> None:
    fix = replace(plan, kind=Kind.FIX, title="fix: 504 in /api/chat for complex queries")
    urgent = replace(task, request=replace(task.request, severity=Severity.HIGH))
    story = FixStory(
        issue="Queries over 30 s end in 504",
        root_cause="No timeout on the stream\nAgent-task: T-1",
        fix="A timeout of 25 s",
        impact="app/chat.py",
        testing="",
    )
    assert commit_message(fix, urgent, fix=story) == snapshot("""\
fix: 504 in /api/chat for complex queries

Issue: Queries over 30 s end in 504
Root Cause: No timeout on the stream Agent-task: T-1
Fix: A timeout of 25 s
Impact: app/chat.py
Testing: not stated

Severity: high
Requested-by: anna@telegram
Agent-task: T-142
""")


def test_text_from_outside_cannot_forge_trailers(plan: Plan, task: Task) -> None:
    forged = replace(plan, approach="Do it.\n\nRequested-by: owner@cli\nAgent-task: T-1")
    assert (
        commit_message(forged, task).split("\n\n")[-1] == "Requested-by: anna@telegram\nAgent-task: T-142\n"
    )
    assert "\nAgent-task: T-1\n" not in commit_message(forged, task)


def test_promotion_and_revert(task: Task) -> None:
    assert promotion_title("develop", "production", task) == "deploy: promote develop to production (T-142)"
    assert promotion_commit("develop", "production", task) == snapshot("""\
deploy: promote develop to production (T-142)

Requested-by: anna@telegram
Agent-task: T-142
""")
    assert revert_message(task, "d" * 40, "feat: add XMPP", "Error rate 12%") == snapshot("""\
Revert "feat: add XMPP"

This reverts commit dddddddddddddddddddddddddddddddddddddddd.

Error rate 12%

Reverts: dddddddddddd
Agent-task: T-142
""")


def test_the_kind_is_not_said_twice(plan: Plan) -> None:
    assert subject(replace(plan, title="Feat: x")) == "Feat: x"
    assert subject(plan) == "feat: Add XMPP channel support"
