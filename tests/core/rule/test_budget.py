"""Budgets bite, delays are bounded, and the same failure twice is noticed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.role import ROLE_OF, Stage
from keelway.core.model.verdict import Finding, Ruling, failed, passed
from keelway.core.policy import Policy
from keelway.core.rule.budget import (
    Limits,
    Spent,
    budget_of,
    failure_key,
    is_stuck,
    judge_again,
    judge_spent,
    next_delay_seconds,
    stage_limits,
)

LIMITS = Limits(2, 10, 2_400.0, 5.0)
amounts = st.builds(Spent, st.integers(0, 4), st.integers(0, 20), st.floats(0, 5_000), st.floats(0, 9))


def test_limits_come_from_the_policy(policy: Policy) -> None:
    assert stage_limits(policy, Stage.DEVELOPMENT) == LIMITS
    assert stage_limits(policy, Stage.PLANNING) == Limits(2, 6, 1_440.0, 1.0)
    review = stage_limits(policy, Stage.REVIEW)
    assert (review.attempts_max, review.seconds_max) == (1, 900.0)


@pytest.mark.parametrize(("stage", "watched"), [(Stage.STAGING, 330.0), (Stage.PRODUCTION, 930.0)])
def test_the_time_of_watching_comes_on_top(policy: Policy, stage: Stage, watched: float) -> None:
    limits = stage_limits(policy, stage)
    assert (limits.attempts_max, limits.seconds_max) == (2, 2 * (900.0 + watched))
    assert stage_limits(policy, stage, hotfix=True).seconds_max < limits.seconds_max


def test_every_stage_has_a_budget_of_its_role(policy: Policy) -> None:
    for stage in Stage:
        limits, budget = stage_limits(policy, stage), budget_of(policy, ROLE_OF[stage])
        assert (limits.attempts_max, limits.cost_usd_max) == (budget.attempts_max, budget.cost_usd_max)


faults = st.lists(
    st.builds(failed, st.sampled_from("ab"), st.sampled_from(["no net", "no disk 3", "no disk 4"])),
    min_size=1,
    max_size=12,
)
bounds = st.integers(1, 6)


@given(faults, bounds, bounds)
def test_tries_never_exceed_their_number(met: list[Finding], attempts_max: int, same_max: int) -> None:
    again = judge_again(met, attempts_max, same_max)
    if len(met) >= attempts_max:
        assert again.ruling is Ruling.FAIL
    if again.ruling is Ruling.FAIL:
        assert again.evidence["tries"] == str(len(met))
        assert again.code == met[-1].code


@given(faults, bounds, bounds)
def test_what_was_given_up_stays_given_up_under_smaller_bounds(
    met: list[Finding], attempts_max: int, same_max: int
) -> None:
    if judge_again(met, attempts_max + 1, same_max).ruling is Ruling.FAIL:
        assert judge_again(met, attempts_max, same_max).ruling is Ruling.FAIL


@given(faults, bounds, st.randoms(use_true_random=False))
def test_the_order_of_different_faults_does_not_matter(
    met: list[Finding], attempts_max: int, random: Random
) -> None:
    mixed = list(met)
    random.shuffle(mixed)
    never_alike = len(met) + 1
    assert (
        judge_again(met, attempts_max, never_alike).ruling
        is judge_again(mixed, attempts_max, never_alike).ruling
    )
    assert failure_key(met) == failure_key(mixed)


def test_the_identical_fault_ends_it_sooner() -> None:
    first, same, other = failed("a", "port 1 is gone"), failed("a", "port 22 is gone"), failed("b", "full")
    assert judge_again([first], 9, 2).ruling is Ruling.PASS
    assert judge_again([first, other], 9, 2).ruling is Ruling.PASS
    assert judge_again([other, first, same], 9, 2).ruling is Ruling.FAIL
    assert "in a row" in judge_again([first, same], 9, 2).message


@pytest.mark.parametrize("name", ["attempts", "iterations", "seconds", "cost_usd"])
def test_reaching_one_bound_spends_the_budget(name: str) -> None:
    bound = getattr(LIMITS, f"{name}_max")
    assert judge_spent(replace(Spent(), **{name: bound - 1}), LIMITS).ruling is Ruling.PASS
    finding = judge_spent(replace(Spent(), **{name: bound}), LIMITS)
    assert (finding.code, finding.ruling) == ("budget_spent", Ruling.FAIL)


def test_a_cost_that_is_no_number_spends_the_budget() -> None:
    assert judge_spent(Spent(cost_usd=float("nan")), LIMITS).ruling is Ruling.FAIL


@given(amounts, amounts)
def test_more_spent_never_opens_what_was_shut(spent: Spent, more: Spent) -> None:
    both = Spent(
        spent.attempts + more.attempts,
        spent.iterations + more.iterations,
        spent.seconds + more.seconds,
        spent.cost_usd + more.cost_usd,
    )
    if judge_spent(spent, LIMITS).ruling is Ruling.FAIL:
        assert judge_spent(both, LIMITS).ruling is Ruling.FAIL


@given(st.integers(-5, 10_000))
def test_delays_grow_and_are_bounded(attempt: int) -> None:
    assert 0.0 <= next_delay_seconds(attempt) <= next_delay_seconds(attempt + 1) <= 60.0


def test_the_first_delays() -> None:
    assert [next_delay_seconds(attempt) for attempt in (0, 1, 2, 3, 99)] == [0.0, 1.0, 2.0, 4.0, 60.0]


def test_numbers_and_paths_do_not_make_a_new_failure() -> None:
    first = failure_key([failed("x", "took 3.2 s in /tmp/a1 at 0xff"), passed("y", "fine")])
    again = failure_key([passed("z", "ok"), failed("x", "took 9 s in /tmp/b2 at 0xee")])
    assert first == again != failure_key([failed("x", "something else")])
    assert failure_key([passed("a", "fine")]) == ""
    assert failure_key([passed("a", "nothing examined", examined=0)]) != ""


@pytest.mark.parametrize(
    ("keys", "limit", "stuck"),
    [
        ((), 2, False),
        (("a",), 2, False),
        (("a", "a"), 2, True),
        (("b", "a", "a"), 2, True),
        (("a", "b"), 2, False),
        (("a", "", "a"), 2, False),
        (("", ""), 2, False),
        (("a",), 1, True),
        (("a", "a"), 0, False),
    ],
)
def test_stuck_means_the_same_failure_in_a_row(keys: tuple[str, ...], limit: int, stuck: bool) -> None:
    assert is_stuck(keys, limit) is stuck
