"""Several answers together: one no fails, the yeses have to reach every group."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.consent.quorum import OwnerGroup, Terms
from keelway.core.model.task import Actor
from keelway.core.model.verdict import Ruling
from keelway.core.policy import ReviewPolicy
from keelway.core.rule.approval import Approval, Binding, changed_since, judge_answers, settled, terms_of

ANN, BERT, CARA = Actor("ann", "link"), Actor("bert", "cli"), Actor("cara", "link")
BINDING = Binding("01J", "merge", "", "a" * 40, "b" * 40, "c" * 40, 3, "sha256:0")
NOW = datetime.fromisoformat("2026-02-16T14:30:00+00:00")
PAY, DATA = OwnerGroup("@pay", ("ann", "cara")), OwnerGroup("@data", ("bert", "ann"))


def says(by: Actor, answer: str = "yes", **more) -> Approval:
    return Approval(
        f"ap-{by.name}", BINDING.digest, answer, "", by, NOW, by.name, NOW + timedelta(days=3), **more
    )


def judge(*answers: Approval, groups=(), risk="low", single=False, binding=BINDING):
    return judge_answers(
        answers,
        binding,
        now=NOW + timedelta(hours=1),
        requested_by=ANN,
        risk=risk,
        policy=ReviewPolicy(single_user=single),
        groups=groups,
    )


def test_nobody_and_one_are_judged_as_before():
    assert judge().code == "approval_missing"
    assert judge(says(BERT)).evidence["by"] == "bert@cli"


def test_one_no_is_enough():
    assert judge(says(BERT), says(CARA, "no")).code == "approval_denied"
    assert judge(says(CARA, "revise"), says(BERT)).code == "approval_revise"


def test_each_group_needs_its_yes():
    part = judge(says(CARA), groups=(PAY, DATA))
    assert (part.code, part.ruling) == ("approval_incomplete", Ruling.HOLD)
    assert "@data" in part.message
    assert "@pay" not in part.message
    both = judge(says(CARA), says(BERT), groups=(PAY, DATA))
    assert (both.code, both.evidence["by"]) == ("approved", "cara@link, bert@cli")
    assert judge(says(ANN), groups=(PAY, DATA)).code == "approved"


def test_the_yes_of_somebody_else_reaches_no_group():
    assert judge(says(Actor("owner")), groups=(PAY,)).code == "approval_incomplete"


def test_a_group_without_members_is_never_reached():
    assert judge(says(ANN), says(BERT), groups=(OwnerGroup("@gone", ()),)).code == "approval_incomplete"


def test_the_own_yes_counts_for_no_group_at_high_risk():
    own = says(ANN, own_request=True)
    assert judge(own, groups=(PAY,), risk="high").code == "approval_own"
    assert judge(own, says(BERT), groups=(PAY,), risk="high").code == "approval_incomplete"
    assert judge(own, says(BERT), groups=(DATA,), risk="high").code == "approved"
    assert judge(own, groups=(PAY,), risk="high", single=True).code == "approved"


def test_a_void_answer_does_not_help():
    other = replace(BINDING, head_sha="f" * 40)
    assert judge(says(BERT), says(CARA), binding=other).code == "approval_void"


def test_terms_follow_risk_and_mode():
    assert terms_of(ReviewPolicy(single_user=False), "high") == Terms(own_counts=False)
    assert terms_of(ReviewPolicy(single_user=False), "low", (PAY,)) == Terms(groups=(PAY,))
    assert terms_of(ReviewPolicy(single_user=True), "high").own_counts


@pytest.mark.parametrize(
    ("answers", "terms", "closing"),
    [
        ((), Terms(), None),
        ((says(BERT),), Terms(), "ap-bert"),
        ((says(BERT), says(CARA, "no")), Terms(groups=(PAY, DATA)), "ap-cara"),
        ((says(CARA),), Terms(groups=(PAY, DATA)), None),
        ((says(CARA), says(BERT)), Terms(groups=(PAY, DATA)), "ap-bert"),
        ((says(ANN, own_request=True),), Terms(own_counts=False), None),
        ((says(ANN, own_request=True),), Terms(), "ap-ann"),
        ((says(Actor("4711", "telegram"), person="ann"),), Terms(groups=(PAY,)), "ap-4711"),
    ],
)
def test_what_closes_a_question(answers, terms, closing):
    found = settled(answers, terms)
    assert (found.id if found else None) == closing


@given(st.lists(st.sampled_from(["ann", "bert", "cara", "owner"]), unique=True), st.booleans())
def test_a_question_never_closes_before_its_judge_is_content(names, high):
    answers = [says(Actor(name), own_request=name == "ann") for name in names]
    policy, risk = ReviewPolicy(single_user=False), "high" if high else "low"
    closing = settled(answers, terms_of(policy, risk, (PAY, DATA)))
    ruling = judge(*answers, groups=(PAY, DATA), risk=risk).ruling
    assert (closing is not None) == (ruling is Ruling.PASS)


def test_what_changed_is_said():
    after = replace(BINDING, head_sha="d" * 40, plan_version=4, policy_digest="")
    assert changed_since(BINDING, BINDING) == ()
    assert changed_since(BINDING, after) == (
        "commit: aaaaaaaaaaaa became dddddddddddd",
        "plan version: 3 became 4",
        "policy: sha256:0 became nothing",
    )
