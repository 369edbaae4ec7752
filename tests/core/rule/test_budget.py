"""Budgets bite, delays are bounded, and the same failure twice is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.verdict import Ruling, failed, passed
from keelway.core.policy import Policy
from keelway.core.rule.budget import (
    Limits,
    Spent,
    development_limits,
    failure_key,
    is_stuck,
    judge_spent,
    next_delay_seconds,
    planning_limits,
)

LIMITS = Limits(2, 10, 2_400.0, 5.0)
amounts = st.builds(Spent, st.integers(0, 4), st.integers(0, 20), st.floats(0, 5_000), st.floats(0, 9))


def test_limits_come_from_the_policy(policy: Policy) -> None:
    assert development_limits(policy.development) == LIMITS
    assert planning_limits(policy.plan, 5.0) == Limits(2, 6, 1_440.0, 5.0)


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
