"""Words about the way back as people get them."""

from __future__ import annotations

from datetime import UTC, datetime

from inline_snapshot import snapshot

from keelway.core.model.verdict import failed
from keelway.core.release.drill import Drill, DrillResult
from keelway.core.release.rollback import Step
from keelway.core.words.alert import drift_alert
from keelway.core.words.back import (
    OrderIncident,
    back_body,
    back_commit,
    back_title,
    drill_report,
    no_op_message,
    order_incident,
    step_sentence,
)

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"


def test_every_step_has_its_sentence() -> None:
    said = [step_sentence(step, "r-bad", "r-good") for step in Step]
    assert len(set(said)) == len(Step)
    assert "r-good" in step_sentence(Step.SWITCH_TRAFFIC, "", "r-good")
    assert step_sentence(Step.MIGRATE_DOWN, "", "") == "run the down-migrations of the bad release"
    assert step_sentence(Step.SWITCH_TRAFFIC, "", "") == "give all traffic to the release before"


def test_a_drill_that_passed() -> None:
    drill = Drill("d-1", "staging", AT, "owner@cli", (DrillResult("rollback", True, 2.0, 3),))
    assert drill_report(drill) == snapshot("""\
The drill on staging passed.

- ok, it was taken back (2 s, 3 examined)
""")


def test_a_drill_that_failed() -> None:
    results = (
        DrillResult("deploy", True, 2.0, 0),
        DrillResult("restore", False, 1.0, 1, "it is damaged"),
        DrillResult("other", True, 1.0, 1),
    )
    assert drill_report(Drill("d-1", "staging", AT, "owner@cli", results)) == snapshot("""\
The drill on staging FAILED.

- FAILED, a no-op change was deployed (2 s, 0 examined)
- FAILED, backups were checked (1 s, 1 examined): it is damaged
- ok, other (1 s, 1 examined)
""")


def test_the_commit_of_a_drill_names_it() -> None:
    assert no_op_message("d-1").startswith("[test] Deployment workflow validation\n")
    assert "Drill: d-1" in no_op_message("d-1")


def test_the_pull_request_of_a_rollback() -> None:
    assert back_title("production", "r-1") == "revert: bring production back to r-1"
    assert back_body("production", "r-1", SHA, "it *smells*", ["r-2 (T-7)"]) == snapshot("""\
## What

Bring the branch back to 0123456789ab, which r-1 was built from (production).

## Why

it \\*smells\\*

## What it undoes

- r-2 \\(T-7\\)

## Risk

Low: the tree is one that ran before. It removes everything that came after it.

## Test plan

- [ ] The tree equals that of the commit above
- [ ] The checks pass

## Way back

Revert the merge of this pull request.
""")
    assert "No reason was given." in back_body("production", "r-1", SHA, "", ())


def test_the_commit_of_a_rollback() -> None:
    assert back_commit("production", "r-1", SHA, "Agent-task: T-1") == snapshot("""\
revert: bring production back to r-1

The tree is that of 0123456789abcdef0123456789abcdef01234567.

  Agent-task: T-1
""")
    assert "No reason was given." in back_commit("production", "r-1", SHA, "")


def test_the_incident_of_an_order() -> None:
    incident = OrderIncident("production", "r-2", "r-1", "users complain", "ann@cli", 2.0, 12, AT)
    title, body = order_incident(incident)
    assert title == "[Incident] r-2 was taken back on production: users complain"
    assert body == snapshot("""\
- At 2026-01-05 12:00 UTC, ordered by ann@cli
- Taken back: r-2
- production runs r-1 again after 2 s
- Data lost: 12 rows

## Reason

users complain

## Before it is tried again

- [ ] Find out why no gate caught it
- [ ] Write the test that would have
""")
    _, other = order_incident(OrderIncident("production", "r-2", "", "x", "ann@cli", 2.0, None, AT))
    assert "NOT verified" in other
    assert "Data lost: nothing" in other


def test_drift_is_told_with_both_cures() -> None:
    said = drift_alert("production", [failed("release_differs", "r-9 runs; r-1 is recorded.")])
    assert "- r-9 runs; r-1 is recorded." in said
    assert "keelway drift production --adopt" in said
    assert "keelway drift production --restore" in said
