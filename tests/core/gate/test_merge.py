"""The merge gate: green for this commit, planned, tested, approved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.core.consent.quorum import OwnerGroup
from keelway.core.gate.merge import MergeFacts, judge_merge
from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.handover import CheckFact
from keelway.core.model.plan import Plan
from keelway.core.model.task import Task
from keelway.core.model.verdict import Ruling, failed, held, passed
from keelway.core.policy import Policy, ReviewPolicy
from keelway.core.rule.risk import Risk
from keelway.core.words.pr import PullRequestStory, pull_request_body

CHECKS = (CheckFact("tests", passed=True, examined=12, seconds=2.0),)
AUTO = Policy(review=ReviewPolicy(auto_merge_risk="low"))


@pytest.fixture
def facts(plan: Plan, diff: Diff, task: Task) -> MergeFacts:
    risk = Risk("low", 10, ())
    story = PullRequestStory(task=task, plan=plan, risk=risk, iterations=1, checks=CHECKS, way_back="Revert.")
    return MergeFacts(
        head_sha=diff.head_sha,
        checks=CHECKS,
        checks_sha=diff.head_sha,
        expected_checks=("tests",),
        conflicts=(),
        base_moved=False,
        body=pull_request_body(story),
        diff=diff,
        plan=plan,
        risk=risk,
        approval=None,
        review=None,
    )


def test_our_own_pull_request_merges_when_the_policy_lets_it(facts: MergeFacts) -> None:
    assert judge_merge(facts, AUTO).passed


def test_by_default_a_person_is_asked(facts: MergeFacts, policy: Policy) -> None:
    verdict = judge_merge(facts, policy)
    assert (verdict.ruling, verdict.code) == (Ruling.HOLD, "merge_needs_approval")
    assert judge_merge(replace(facts, approval=passed("approved", "Yes.")), policy).passed
    assert (
        judge_merge(replace(facts, approval=held("approval_expired", "Late.")), policy).code
        == "approval_expired"
    )


def test_a_stage_can_be_set_to_need_a_person(facts: MergeFacts) -> None:
    policy = Policy(review=ReviewPolicy(auto_merge_risk="low", approve_stages=("review",)))
    assert judge_merge(facts, policy).ruling is Ruling.HOLD


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"head_sha": "f" * 40}, "checks_stale"),
        ({"checks_sha": "f" * 40}, "checks_stale"),
        ({"head_sha": "", "checks_sha": ""}, "checks_stale"),
        ({"checks": ()}, "check_missing"),
        ({"conflicts": ("app/xmpp.py",)}, "conflict"),
        ({"base_moved": True}, "base_moved"),
        ({"body": "## Summary\n\nAll good."}, "test_plan_missing"),
        ({"body": "## Test Plan\n\n"}, "test_plan_empty"),
        ({"body": "## Test Plan\n- [ ] later\n## End\n- [x] elsewhere"}, "test_plan_empty"),
        ({"body": "Not a ## Test Plan\n- [x] done"}, "test_plan_missing"),
        ({"approval": failed("approval_denied", "No.")}, "approval_denied"),
        ({"review": failed("review_blocks", "Wrong.")}, "review_blocks"),
    ],
)
def test_what_fails(facts: MergeFacts, change: dict[str, object], code: str) -> None:
    verdict = judge_merge(replace(facts, **change), AUTO)
    assert verdict.ruling is Ruling.FAIL
    assert code in {finding.code for finding in verdict.reasons}


def test_a_diff_of_another_commit_is_stale(facts: MergeFacts) -> None:
    assert (
        judge_merge(replace(facts, diff=replace(facts.diff, head_sha="f" * 40)), AUTO).code == "checks_stale"
    )


def test_a_file_that_came_later_is_out_of_scope(facts: MergeFacts) -> None:
    diff = replace(facts.diff, files=(*facts.diff.files, FileDelta("app/late.py", "A")))
    assert judge_merge(replace(facts, diff=diff), AUTO).code == "out_of_scope"


def test_an_empty_diff_is_not_passed(facts: MergeFacts) -> None:
    assert judge_merge(replace(facts, diff=replace(facts.diff, files=())), AUTO).ruling is Ruling.FAIL


def test_the_reviewer_blocks_but_never_unblocks(facts: MergeFacts, policy: Policy) -> None:
    assert judge_merge(replace(facts, review=passed("review_fine", "Fine.")), policy).ruling is Ruling.HOLD
    assert judge_merge(replace(facts, review=held("review_unsure", "Hm.")), AUTO).ruling is Ruling.HOLD


def test_a_person_decides_where_the_reviewer_could_not_review(facts: MergeFacts, policy: Policy) -> None:
    unread = replace(facts, review=held("review_unreadable", "No JSON.", examined=0))
    yes = passed("approved", "Yes.")
    assert [reason.code for reason in judge_merge(unread, AUTO).reasons] == ["review_unreadable"]
    decided = judge_merge(replace(unread, approval=yes), policy)
    assert decided.passed
    assert decided.findings[-1].message == "No JSON. A person decided without it."
    blocked = replace(facts, review=failed("review_blocked", "It leaks."), approval=yes)
    assert judge_merge(blocked, policy).code == "review_blocked"


def test_a_test_plan_with_windows_line_ends_counts(facts: MergeFacts) -> None:
    assert judge_merge(replace(facts, body="## test plan\r\n\r\n* [X] ran\r\n"), AUTO).passed


def test_owners_of_touched_paths_are_asked_whatever_the_risk(facts: MergeFacts) -> None:
    owned = replace(facts, owner_groups=(OwnerGroup("@harbour/pay", ("ann",), ("pay.py",)),))
    verdict = judge_merge(owned, AUTO)
    assert (verdict.ruling, verdict.code) == (Ruling.HOLD, "merge_needs_owners")
    assert "@harbour/pay" in verdict.reasons[0].message
    part = held("approval_incomplete", "Ann still has to.")
    assert judge_merge(replace(owned, approval=part), AUTO).code == "approval_incomplete"
    assert judge_merge(replace(owned, approval=passed("approved", "Yes.")), AUTO).passed


def test_what_nobody_could_approve_is_refused_at_once(facts: MergeFacts) -> None:
    owned = replace(facts, owner_groups=(OwnerGroup("@harbour/gone", (), ("pay.py",)),))
    verdict = judge_merge(replace(owned, approval=passed("approved", "Yes.")), AUTO)
    assert (verdict.ruling, verdict.code) == (Ruling.FAIL, "owners_unknown")
