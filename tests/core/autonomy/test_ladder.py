"""A set-up climbs by releases that hold, falls by those that do not, and never gets more than the policy allows."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.autonomy.ladder import Setup, Standing, Step, end_of, limited, standing_after
from keelway.core.model.lifecycle import Status
from keelway.core.policy import AutonomyPolicy, Policy
from keelway.core.rule.risk import at_most

LADDER = AutonomyPolicy(asked_first=2, low_first=3)
SETUP = Setup("opencode", "1.0", "openai", "big", "sha256:a", "sha256:b", "sha256:c")


@pytest.mark.parametrize(
    ("ends", "step", "good"),
    [
        ("", Step.ASKED, 0),
        ("g", Step.ASKED, 1),
        ("gg", Step.LOW, 2),
        ("ggggg", Step.POLICY, 5),
        ("gggggggg", Step.POLICY, 5),
        ("ggb", Step.ASKED, 0),
        ("gggggb", Step.LOW, 2),
        ("gggggbggg", Step.POLICY, 5),
        ("gggggbb", Step.ASKED, 0),
        ("b", Step.ASKED, 0),
        ("gb", Step.ASKED, 0),
    ],
)
def test_it_climbs_and_falls(ends: str, step: Step, good: int) -> None:
    found = standing_after((end == "g" for end in ends), LADDER)
    assert (found.step, found.good, found.needed, found.falls) == (step, good, 5, ends.count("b"))


def test_without_counts_every_set_up_is_trusted_at_once() -> None:
    found = standing_after([False, False], AutonomyPolicy())
    assert (found.step, found.needed) == (Step.POLICY, 0)
    assert found.sentence == "as the policy says (no ladder is set up)"
    assert standing_after([], AutonomyPolicy(low_first=1)).step is Step.LOW
    assert standing_after([True], AutonomyPolicy(asked_first=1)).step is Step.POLICY
    assert standing_after([True, False], AutonomyPolicy(asked_first=1)).step is Step.ASKED


def test_only_what_was_measured_counts() -> None:
    assert end_of(Status.DEPLOYED, "") is True
    assert end_of(Status.ROLLED_BACK, "rollback") is False
    assert end_of(Status.FAILED, "approval_denied") is False
    assert end_of(Status.FAILED, "iterations_spent") is None
    assert end_of(Status.ABORTED, "aborted") is None
    assert end_of(Status.DEVELOPING, "") is None


@pytest.mark.parametrize(
    ("plan", "merge", "step", "wanted"),
    [
        ("medium", "medium", Step.POLICY, ("medium", "medium")),
        ("medium", "low", Step.LOW, ("low", "low")),
        ("none", "none", Step.LOW, ("none", "none")),
        ("medium", "low", Step.ASKED, ("none", "none")),
        ("odd", "low", Step.LOW, ("none", "low")),
    ],
)
def test_a_step_only_takes_away(plan: str, merge: str, step: Step, wanted: tuple[str, str]) -> None:
    base = Policy()
    policy = replace(
        base,
        plan=replace(base.plan, auto_approve_risk=plan),
        review=replace(base.review, auto_merge_risk=merge),
    )
    found = limited(policy, step)
    assert (found.plan.auto_approve_risk, found.review.auto_merge_risk) == wanted
    assert replace(found, plan=policy.plan, review=policy.review) == policy


@given(
    st.lists(st.booleans()), st.integers(0, 4), st.integers(0, 4), st.sampled_from(["none", "low", "medium"])
)
def test_no_history_gives_more_than_the_policy(ends: list[bool], asked: int, low: int, risk: str) -> None:
    found = standing_after(ends, AutonomyPolicy(asked, low))
    base = Policy()
    policy = replace(base, review=replace(base.review, auto_merge_risk=risk))
    given_risk = limited(policy, found.step).review.auto_merge_risk
    assert given_risk == "none" or at_most(given_risk, risk)
    assert 0 <= found.good <= asked + low
    if ends and not ends[-1] and asked:
        assert found.step is not Step.POLICY


def test_a_standing_says_what_it_means() -> None:
    assert (
        Standing(Step.LOW, 2, 5, 1).sentence
        == "low risk goes on alone (2 of 5 releases held, 1 time(s) fallen)"
    )
    assert Standing(Step.ASKED, 0, 5).sentence.endswith("(0 of 5 releases held)")


def test_every_part_of_a_set_up_is_in_its_digest() -> None:
    for field in fields(SETUP):
        assert replace(SETUP, **{field.name: "other"}).digest != SETUP.digest
