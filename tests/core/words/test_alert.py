"""Alerts and issues as people get them."""

from __future__ import annotations

from datetime import datetime

from inline_snapshot import snapshot

from keelway.core.model.task import Task
from keelway.core.model.verdict import failed
from keelway.core.rule.freeze import Freeze
from keelway.core.words.alert import figure_alert, freeze_notice, page, slow_deploy_alert, watch_alert
from keelway.core.words.issue import (
    escalation_body,
    escalation_title,
    incident_body,
    incident_title,
    tracking_body,
    tracking_title,
)
from keelway.core.words.report import RollbackStory

FINDINGS = [failed("new_exceptions", "3 new exception(s): KeyError.")]


def test_watch(task: Task) -> None:
    assert watch_alert(task, FINDINGS, 7_500, armed=False) == snapshot("""\
! T-142 shows an anomaly 2 h 5 min after it went live

- 3 new exception(s): KeyError.

Nothing was rolled back. If you want it: keelway rollback T-142
""")
    assert "It is being rolled back now." in watch_alert(task, FINDINGS, 60, armed=True)


def test_figures(task: Task) -> None:
    assert figure_alert("The share of successful deployments", 0.87, 0.9) == snapshot(
        "! The share of successful deployments was 87% in the last 30 days, below the limit of 90%.\n"
    )
    assert "above the limit of 10%" in figure_alert("The rollback rate", 0.2, 0.1)
    assert slow_deploy_alert(task, 400, 300) == snapshot(
        "! The deployment of T-142 took 6 min 40 s; the limit is 5 min.\n"
    )


def test_freeze(now: datetime) -> None:
    assert freeze_notice(Freeze(True, "anna", "database down", now)) == snapshot("""\
! Everything is frozen by anna at 2026-02-16 14:30 UTC: database down
A rollback that has begun finishes. Lift it: keelway unfreeze
""")
    assert freeze_notice(Freeze(active=True)).startswith("! Everything is frozen by an unknown person.\n")
    assert freeze_notice(Freeze(active=False, by="anna")) == "The freeze was lifted by anna. Effects go on.\n"


def test_page() -> None:
    assert page(
        "production", "no good release fits", ["keelway releases", "keelway rollback --to <tag>"]
    ) == snapshot("""\
!! production needs you now: no good release fits

It is frozen until you act.

Next:
- keelway releases
- keelway rollback --to <tag>
""")


def test_tracking(task: Task) -> None:
    assert tracking_title(task) == "[Agent] Please add XMPP support"
    assert tracking_body(task) == snapshot("""\
Task T-142, requested by anna@telegram (cli) at 2026-02-16 14:30 UTC. Severity: low.

Original message:

```text
Please add XMPP support
```

<!-- keelway:01JZZZZZZZZZZZZZZZZZZZZZZZ:T-142 -->
""")


def test_escalation(task: Task) -> None:
    assert escalation_title(task, "2 tests fail") == "[Agent] T-142 needs help: 2 tests fail"
    body = escalation_body(task, iterations=10, seconds=1_200, findings=FINDINGS, output="E  KeyError: 'x'")
    assert body == snapshot("""\
The agent could not finish T-142 in 10 iterations (20 min).

## What blocks

- `new_exceptions`: 3 new exception\\(s\\): KeyError.

## Last output

```text
E  KeyError: 'x'
```

## The request

```text
Please add XMPP support
```

## What you can do

- [ ] Answer the blocker here, then run `keelway retry T-142`
- [ ] Or end the task: `keelway abort T-142`

<!-- keelway:01JZZZZZZZZZZZZZZZZZZZZZZZ:T-142 -->
""")


def test_incident(task: Task, now: datetime) -> None:
    story = RollbackStory(
        task=task, title="X", environment="production", reason="probe", bad_release="r-1", good_release="r-0"
    )
    assert incident_title(task, "production", "12% failed") == "[Incident] T-142 on production: 12% failed"
    assert incident_body(story, now, ["14:30 deployed", "14:38 rolled back"]) == snapshot("""\
Happened at 2026-02-16 14:30 UTC.

```text
! T-142: the rollback on production is not verified: X

Why: probe

Figures:
- Data lost: none, no backup was restored

State:
- Release: r-1 -> r-0
- Health afterwards: NOT confirmed, a person is paged
```

## Timeline

- 14:30 deployed
- 14:38 rolled back

## Before it is tried again

- [ ] Find out why staging did not catch it
- [ ] Add a probe or a test that would have

<!-- keelway:01JZZZZZZZZZZZZZZZZZZZZZZZ:T-142 -->
""")
