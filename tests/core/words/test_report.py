"""Reports as the requester reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from inline_snapshot import snapshot

from keelway.core.model.task import Task
from keelway.core.model.verdict import failed
from keelway.core.words.report import (
    FailureStory,
    RollbackStory,
    SuccessStory,
    aborted_report,
    failure_report,
    refusal,
    rollback_report,
    success_report,
)


@pytest.fixture
def rollback(task: Task) -> RollbackStory:
    return RollbackStory(
        task=task,
        title="XMPP channel support",
        environment="production",
        reason="12% of 410 requests failed",
        bad_release="r-1",
        good_release="r-0",
        error_rate=0.12,
        baseline_rate=0.004,
        requests=410,
        observed_seconds=483,
        traffic_seconds=0.4,
        total_seconds=9,
        reverted_sha="d" * 40,
        quarantined=True,
        verified=True,
        issue=44,
    )


def test_success(task: Task, now: datetime) -> None:
    story = SuccessStory(
        task=task,
        title="XMPP channel support",
        summary=("The driver implements the full contract",),
        tests=12,
        release="r-1",
        sha="a" * 40,
        deployed_at=now,
        window_seconds=900,
        judgement="0 of 2400 requests failed",
        usage="Set XMPP_HOST, then:\n  app start xmpp\x1b[2J",
        previous_release="r-0",
        total_seconds=2_040,
        watch_seconds=86_400,
        issue=41,
    )
    assert success_report(story) == snapshot("""\
✓ T-142 is live: XMPP channel support

Summary:
- The driver implements the full contract
- 12 tests passing
- Deployed to production at 2026-02-16 14:30 UTC as r-1 (aaaaaaaaaaaa)
- Watched for 15 min: 0 of 2400 requests failed
- 34 min from the request to here

How to use it:
  Set XMPP_HOST, then:
    app start xmpp

Way back: keelway rollback T-142 (to r-0)

I keep watching it for 1 day and tell you about anomalies.

Issue closed: #41
""")
    bare = replace(story, usage=" ", previous_release="", total_seconds=0, watch_seconds=0, issue=None)
    assert success_report(bare) == snapshot("""\
✓ T-142 is live: XMPP channel support

Summary:
- The driver implements the full contract
- 12 tests passing
- Deployed to production at 2026-02-16 14:30 UTC as r-1 (aaaaaaaaaaaa)
- Watched for 15 min: 0 of 2400 requests failed
""")


def test_failure(task: Task) -> None:
    story = FailureStory(
        task=task,
        title="XMPP channel support",
        stage="development",
        findings=(failed("tests_failed", "2 of 40 base tests failed: a, b."),),
        done=("Nothing was merged or deployed",),
        issue=44,
        need="say which XMPP server the tests may use",
    )
    assert failure_report(story) == snapshot("""\
✗ T-142 failed in development: XMPP channel support

Why:
- 2 of 40 base tests failed: a, b. [tests_failed]

State:
- Nothing was merged or deployed

You can help: say which XMPP server the tests may use
Try again: keelway retry T-142

Documented in issue: #44
""")
    assert failure_report(replace(story, done=(), need="", issue=None)) == snapshot("""\
✗ T-142 failed in development: XMPP channel support

Why:
- 2 of 40 base tests failed: a, b. [tests_failed]

You can help: read the reasons, then ask again
Try again: keelway retry T-142
""")


def test_rollback(rollback: RollbackStory) -> None:
    assert rollback_report(rollback) == snapshot("""\
↩ T-142 was rolled back on production: XMPP channel support

Why: 12% of 410 requests failed

Figures:
- Error rate: 12%, 0.4% before
- Requests seen: 410
- Watched for: 8 min 3 s
- Traffic was back after: 0.4 s
- Everything was back after: 9 s
- Data lost: none, no backup was restored

State:
- Release: r-1 -> r-0
- Health afterwards: all probes pass
- The merge was reverted by dddddddddddd
- The commit is quarantined; no later deploy can carry it without its revert

Incident: #44
""")


def test_a_rollback_that_is_not_verified_never_sounds_like_success(task: Task) -> None:
    story = RollbackStory(
        task=task,
        title="X",
        environment="production",
        reason="probe",
        bad_release="r-1",
        good_release="r-0",
        rows_lost=3,
    )
    assert rollback_report(story) == snapshot("""\
! T-142: the rollback on production is not verified: X

Why: probe

Figures:
- Data lost: 3 rows written since the backup

State:
- Release: r-1 -> r-0
- Health afterwards: NOT confirmed, a person is paged
""")


def test_a_missing_baseline_is_left_out(rollback: RollbackStory) -> None:
    assert "Error rate: 12%\n" in rollback_report(replace(rollback, baseline_rate=None))


def test_refusal_and_abort(task: Task) -> None:
    assert refusal("write me a poem @all", [failed("out_of_domain", "This is no development.")]) == snapshot("""\
Not accepted: write me a poem @ all

Why:
- This is no development. [out_of_domain]
""")
    assert aborted_report(task, "anna@cli", "changed my mind", ("The branch was removed",)) == snapshot("""\
T-142 was aborted by anna@cli: changed my mind

State:
- The branch was removed
""")
    assert aborted_report(task, "anna@cli", "").startswith("T-142 was aborted by anna@cli.\n")
