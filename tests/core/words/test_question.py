"""Questions as they are asked."""

from __future__ import annotations

from dataclasses import replace

from inline_snapshot import snapshot

from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.task import Task
from keelway.core.policy import ReviewPolicy
from keelway.core.release.rollback import Target
from keelway.core.rule.allowance import Bounds, Raise, Spending, caps_of
from keelway.core.rule.approval import Binding
from keelway.core.rule.risk import Risk
from keelway.core.words.question import (
    approval_question,
    budget_question,
    if_unanswered,
    plan_question,
    reminder,
    restore_question,
    rollback_menu,
)

POLICY = ReviewPolicy()
RISK = Risk("high", 85, ("touches app/auth.py (auth)",))


def test_a_person_is_told_why_and_what_is_known(task: Task, plan: Plan) -> None:
    asked = plan_question(task, plan, RISK, POLICY, ["Its risk is\nhigh.", "slixmpp (pypi): licence MIT"])
    assert (
        "\n\nWhy you are asked\n- Its risk is high.\n- slixmpp (pypi): licence MIT\n\nFiles to create"
        in asked
    )


def test_about_a_plan(task: Task, plan: Plan) -> None:
    full = replace(plan, dependencies=("slixmpp",), test_grants=("tests/test_channels.py",))
    assert plan_question(task, full, RISK, POLICY) == snapshot("""\
T-142: may this plan be carried out? Add XMPP channel support

Asked by anna@telegram: Please add XMPP support

Approach
Implement the driver contract. Register it.

Risk: high (score 85 of 100)
- touches app/auth.py (auth)
- The server may be unreachable in CI.

Files to create
- app/xmpp.py
- tests/test_xmpp.py

Files to modify
- app/channels.py

New dependencies
- slixmpp

Existing tests to alter (needs your yes)
- tests/test_channels.py

Tests
- A message is sent and received.

Acceptance probes
- GET /channels -> 200

Answer: keelway approve T-142 | keelway revise T-142 "..." | keelway reject T-142

If nobody answers within 3 days, that counts as a no and the task ends. The question is repeated every 8 h.
""")


def test_whoever_approves_sees_the_examples_that_the_developer_does_not(task: Task, plan: Plan) -> None:
    held = replace(plan, examples=(AcceptanceProbe("/fee?weight=333t", body_contains="609"),))
    said = "Examples that the developer is not shown\n- GET /fee?weight=333t -> 200 609"
    assert said in plan_question(task, held, RISK, POLICY)


def test_about_one_exact_action(task: Task) -> None:
    binding = Binding(task.id, "promote", "production", "a" * 40)
    assert approval_question(task, binding, RISK, "its risk is high", POLICY) == snapshot("""\
T-142: may I promote commit aaaaaaaaaaaa on production?

Why you are asked: its risk is high

Risk: high (score 85 of 100)
- touches app/auth.py (auth)

The yes counts for this commit, base, plan and policy only; if one of them moves, you are asked again.

Answer: keelway approve T-142 | keelway reject T-142

If nobody answers within 3 days, that counts as a no and the task ends. The question is repeated every 8 h.
""")
    assert "commit aaaaaaaaaaaa?" in approval_question(
        task, replace(binding, environment=""), RISK, "x", POLICY
    )


def test_about_a_restore(task: Task) -> None:
    assert restore_question(task, "production", "12 rows in orders since 14:30 UTC", POLICY) == snapshot("""\
T-142: the way back on production needs a restore of the backup. May I restore it?

This would be lost for good: 12 rows in orders since 14:30 UTC

Until then the environment is frozen and nothing is deployed.

Answer: keelway approve T-142 | keelway reject T-142

If nobody answers within 3 days, that counts as a no and the task ends. The question is repeated every 8 h.
""")
    assert "unknown, so nothing is restored" in restore_question(task, "production", "", POLICY)


def test_what_silence_means() -> None:
    assert "counts as a no" in if_unanswered(POLICY)
    assert "keeps waiting" in if_unanswered(ReviewPolicy(approval_expiry="wait"))
    assert "more people are asked" in if_unanswered(ReviewPolicy(approval_expiry="escalate"))


def test_a_reminder_repeats_the_first_line(task: Task) -> None:
    assert (
        reminder(task, "\n\nMay I?\nMore.", 28_800)
        == "T-142 still waits for you, since 8 h: May I?\nSee: keelway show T-142\n"
    )
    assert reminder(task, "", 60).startswith("T-142 still waits for you, since 1 min:")


def test_the_rollback_menu() -> None:
    targets = (
        Target(
            "r-1",
            "a" * 40,
            "dep-1",
            True,
            3.0,
            True,
            ("the release before this one", "healthy for 27.8 hours"),
        ),
        Target("r-0", "b" * 40, "dep-0", False, 2.0, False, ("schema 0002 differs from 0003",)),
    )
    assert rollback_menu("production", targets) == snapshot("""\
Where should production go back to?

A  the previous stable release: r-1
B  a tag or branch of your choice: keelway rollback --to <tag>
C  a commit of your choice: keelway rollback --to <commit>
D  one of these, the best evidence first:
   1. r-1: the release before this one; healthy for 27.8 hours
   2. r-0: schema 0002 differs from 0003
""")
    assert rollback_menu("production", ()) == snapshot("""\
Where should production go back to?

A  the previous stable release (there is none)
B  a tag or branch of your choice: keelway rollback --to <tag>
C  a commit of your choice: keelway rollback --to <commit>
D  one of these, the best evidence first:
   none has been seen healthy
""")


SPENT = Spending("development", "2026-01-31", 5.2, 8.4, 1_020_000, 2.0, 20.5, 100.0)


def test_about_more_money(task: Task) -> None:
    bounds = Bounds(stage_usd=5.0, task_usd=8.0, task_tokens=1_000_000, role="dev")
    assert budget_question(task, caps_of(bounds, SPENT), POLICY) == snapshot("""\
T-142 is at its cap: 5.20 of 5.00 USD used in development; 8.40 of 8.00 USD used by the task; 1,020,000 of 1,000,000 tokens used by the task. May it use 2.50 USD more in development and 4.00 USD more in all and 500,000 tokens more in all?

Asked by anna@telegram: Please add XMPP support

The caps that bite
- policy.budget.dev.cost_usd_max: 5.20 of 5.00 USD used in development
- policy.budget.task_cost_usd_max: 8.40 of 8.00 USD used by the task
- policy.budget.task_tokens_max: 1,020,000 of 1,000,000 tokens used by the task

A yes allows exactly that, and the task goes on where it was. A no stops it: it is closed as failed.

Answer: keelway approve T-142 | keelway reject T-142

If nobody answers within 3 days, that counts as a no and the task ends. The question is repeated every 8 h.
""")


def test_about_more_money_today(task: Task) -> None:
    raised = replace(SPENT, raises=(Raise("project", "", 8.0),))
    day = caps_of(Bounds(day_usd=20.0), SPENT)
    assert budget_question(task, day, POLICY) == snapshot("""\
T-142 is at its cap: 20.50 of 20.00 USD used by all tasks on 2026-01-31. May it use 10.00 USD more on 2026-01-31?

Asked by anna@telegram: Please add XMPP support

The caps that bite
- policy.gateway.day_usd_max: 20.50 of 20.00 USD used by all tasks on 2026-01-31

A yes allows exactly that, and the task goes on where it was. A no stops it: it is closed as failed.

Answer: keelway approve T-142 | keelway reject T-142

When the day is over (UTC), the task goes on without an answer.

If nobody answers within 3 days, that counts as a no and the task ends. The question is repeated every 8 h.
""")
    text = budget_question(task, caps_of(Bounds(project_usd=90.0), raised), POLICY)
    assert text.splitlines()[0] == snapshot(
        "T-142 is at its cap: 100.00 of 99.60 USD used by all tasks of the project. May it use 45.00 USD more in all?"
    )
    assert "When the day is over" not in text
