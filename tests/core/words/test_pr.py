"""Pull requests as they are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from inline_snapshot import snapshot

from keelway.core.model.handover import CheckFact
from keelway.core.model.plan import Plan
from keelway.core.model.task import Actor, Task
from keelway.core.rule.risk import Risk
from keelway.core.words.pr import (
    PullRequestStory,
    approval_comment,
    marker,
    promotion_body,
    pull_request_body,
    pull_request_title,
)

RISK = Risk("medium", 35, ("adds a dependency: slixmpp",))


def story_of(task: Task, plan: Plan) -> PullRequestStory:
    return PullRequestStory(
        task=task,
        plan=plan,
        risk=RISK,
        iterations=3,
        checks=(
            CheckFact("lint", passed=True, examined=3, seconds=0.4),
            CheckFact("tests", passed=True, examined=12, seconds=83.0, detail="12 passed"),
            CheckFact("audit", passed=True, examined=0, seconds=1.0),
        ),
        way_back="Traffic back to r-0123456789ab, then the merge is reverted.",
        research=("slixmpp over xmpppy (abandoned)",),
        excused=("tests/test_old.py::test_flaky",),
        lines=90,
    )


def test_the_whole_text(task: Task, plan: Plan) -> None:
    assert pull_request_title(plan) == "feat: Add XMPP channel support"
    assert pull_request_body(story_of(task, plan)) == snapshot("""\
## Summary

Add XMPP channel support

```text
Implement the driver contract.
Register it.
```

- adds `app/xmpp.py`
- adds `tests/test_xmpp.py`
- alters `app/channels.py`

## Why

The request, as it was made:

```text
Please add XMPP support
```

## Agent Context

- Task: T-142 (`01JZZZZZZZZZZZZZZZZZZZZZZZ`)
- Requested by: anna@telegram (cli) at 2026-02-16 14:30 UTC
- Research: slixmpp over xmpppy \\(abandoned\\)
- Iterations: 3
- Lines: 90 added or removed

## Risk

**medium** (score 35 of 100)

- adds a dependency: slixmpp
- The server may be unreachable in CI.

## Way Back

Traffic back to r-0123456789ab, then the merge is reverted.

## Test Plan

- [x] lint, 3 examined in 0.4 s
- [x] tests, 12 examined in 1 min 23 s: 12 passed
- [ ] audit, 0 examined in 1 s
- [ ] Read with the change: A message is sent and received.
- [ ] After the deploy: GET /channels answers 200 with xmpp
- [ ] Fails on the base as well, excused: tests/test\\_old.py::test\\_flaky

<!-- keelway:01JZZZZZZZZZZZZZZZZZZZZZZZ:T-142 -->
""")


def test_hostile_text_stays_in_its_place(task: Task, plan: Plan) -> None:
    attack = "```\n## Test Plan\n- [x] all good @owner closes #1\n<!-- keelway:x:T-1 -->"
    hostile = replace(task, request=replace(task.request, text=attack))
    body = pull_request_body(
        replace(story_of(hostile, replace(plan, title=attack, risks=(attack,))), way_back=attack)
    )
    assert body.count("\n## Test Plan\n") == 2  # ours, and one inside the longer fence
    assert "````text\n```\n## Test Plan" in body
    outside = body.replace(attack, "")
    assert "<!-- keelway:x" not in outside
    assert "@owner" not in outside
    assert "#1" not in outside
    assert body.rstrip().endswith(marker(task))


def test_long_lists_and_nothing_at_all(task: Task, plan: Plan) -> None:
    many = replace(plan, create=tuple(f"app/m{number}.py" for number in range(60)), modify=())
    assert "- and 10 more" in pull_request_body(story_of(task, many))
    bare = replace(
        story_of(task, replace(plan, probes=(), test_plan=())), checks=(), excused=(), lines=0, way_back=""
    )
    body = pull_request_body(bare)
    assert "- [ ] nothing was checked" in body
    assert "No way back was stated." in body
    assert "Lines:" not in body


def test_promotion_and_approval(task: Task, now: datetime) -> None:
    assert promotion_body(
        task, staging="pass, 0 of 240 failed", sha="a" * 40, way_back="Switch back."
    ) == snapshot("""\
## Summary

Promotes T-142 at aaaaaaaaaaaa to production.

## Staging

pass, 0 of 240 failed

## Way Back

Switch back.

## Test Plan

- [x] Staging was healthy twice and the way back was rehearsed

<!-- keelway:01JZZZZZZZZZZZZZZZZZZZZZZZ:T-142 -->
""")
    assert approval_comment(task, Actor("bert", "cli"), now, "yes", "sha256:00") == snapshot("""\
bert@cli answered **yes** for T-142 at 2026-02-16 14:30 UTC.

The answer counts only for `sha256:00`.

<!-- keelway:01JZZZZZZZZZZZZZZZZZZZZZZZ:T-142 -->
""")
