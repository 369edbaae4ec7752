"""Caps: what is left of each, which one bites, and what exactly a yes allows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.policy import BudgetPolicy, GatewayPolicy, Policy
from keelway.core.rule.allowance import (
    Allowance,
    Bounds,
    Raise,
    Spending,
    allowance_of,
    bitten,
    bounds_of,
    caps_of,
    raise_of,
    run_limits,
    terms_digest,
)

ALL = Bounds(5.0, 8.0, 1_000, 20.0, 100.0, 0.5, "dev")
NOW = Spending("development", "2026-01-31", 1.0, 2.0, 100, 1.5, 6.0, 50.0)
money = st.floats(0, 200, allow_nan=False)
spendings = st.builds(
    lambda stage, more, today, others, rest, tokens: Spending(
        "development",
        "2026-01-31",
        stage,
        stage + more,
        tokens,
        min(today, stage + more),
        min(today, stage + more) + others,
        stage + more + others + rest,
    ),
    money,
    money,
    money,
    money,
    money,
    st.integers(0, 2_000),
)


def cap(name: str, spending: Spending = NOW, bounds: Bounds = ALL):
    return next(each for each in caps_of(bounds, spending) if each.name == name)


def test_the_policy_says_which_caps_there_are(policy: Policy) -> None:
    assert bounds_of(policy, "planning") == Bounds(stage_usd=1.0, role="plan")
    assert bounds_of(policy, "development").stage_usd == 5.0
    assert bounds_of(policy) == bounds_of(policy, "repair") == Bounds()
    whole = replace(
        policy,
        budget=BudgetPolicy(task_cost_usd_max=8.0, task_tokens_max=1_000),
        gateway=GatewayPolicy(day_usd_max=20.0, project_usd_max=100.0),
    )
    assert bounds_of(whole, "development") == ALL
    assert [each.name for each in caps_of(bounds_of(policy, "review"), NOW)] == ["stage"]


def test_each_cap_counts_what_it_is_about() -> None:
    caps = {each.name: (each.used, each.own, each.left, each.more) for each in caps_of(ALL, NOW)}
    assert caps == {
        "stage": (1.0, 1.0, 4.0, 2.5),
        "task": (2.0, 2.0, 6.0, 4.0),
        "tokens": (100, 100, 900, 500),
        "day": (6.0, 1.5, 14.0, 10.0),
        "project": (50.0, 2.0, 50.0, 50.0),
    }
    assert allowance_of(ALL, NOW) == Allowance(6.0, 14.0, 50.0)
    assert allowance_of(ALL, NOW).usd == 6.0
    assert allowance_of(Bounds(), NOW).usd is None
    assert run_limits(caps_of(ALL, NOW)) == (4.0, 900)
    assert run_limits(()) == (0.0, 0), "no cap is no limit"
    assert cap("stage").setting == "policy.budget.dev.cost_usd_max"


def test_nothing_bites_while_something_is_left() -> None:
    assert bitten(caps_of(ALL, NOW)) == ()
    over = replace(NOW, stage_usd=5.0, task_usd=8.5)
    assert [each.name for each in bitten(caps_of(ALL, over))] == ["stage", "task"]


def test_a_run_that_a_cap_cut_off_names_the_tightest() -> None:
    nearly = replace(NOW, task_tokens=990)
    assert [each.name for each in bitten(caps_of(ALL, nearly), cut=True)] == ["tokens"]
    assert bitten((), cut=True) == ()
    none = replace(ALL, stage_usd=0.0)
    assert [each.name for each in bitten(caps_of(none, NOW), cut=True)] == ["stage"]


def test_what_was_asked_about_bites_until_it_is_raised_or_altered() -> None:
    nearly = replace(NOW, task_tokens=990)
    asked = [each.terms for each in bitten(caps_of(ALL, nearly), cut=True)]
    again = bitten(caps_of(ALL, nearly), asked=asked)
    assert [each.name for each in again] == ["tokens"]
    raised = replace(nearly, raises=tuple(map(raise_of, again)))
    assert bitten(caps_of(ALL, raised), asked=asked) == ()
    assert bitten(caps_of(replace(ALL, task_tokens=2_000), nearly), asked=asked) == ()


def test_nobody_can_allow_more_of_nothing() -> None:
    assert cap("stage", bounds=replace(ALL, stage_usd=0.0)).more == 0
    assert cap("task", bounds=replace(ALL, extra_share=0.0)).more == 0


def test_a_yes_for_one_day_or_stage_is_none_for_another() -> None:
    over = replace(NOW, day_usd=25.0, stage_usd=6.0)
    raised = (raise_of(cap("day", over)), raise_of(cap("stage", over)))
    assert bitten(caps_of(ALL, replace(over, raises=raised))) == ()
    tomorrow = replace(over, raises=raised, day="2026-02-01", stage="review")
    assert [each.name for each in bitten(caps_of(ALL, tomorrow))] == ["stage", "day"]


def test_what_one_task_is_allowed_leaves_the_others_out() -> None:
    over = replace(NOW, task_day_usd=1.5, day_usd=21.0)
    mine = replace(over, raises=(Raise("day", over.day, 11.5),))
    assert (cap("day", over).left, cap("day", mine).left) == (0, 10)
    assert (cap("day", mine).in_force, cap("day", over).in_force) == (31.0, 20.0)


def test_the_question_is_the_same_until_it_is_answered() -> None:
    over = replace(NOW, stage_usd=5.2)
    first = terms_digest(bitten(caps_of(ALL, over)))
    late = replace(over, stage_usd=5.3, task_usd=2.3)
    assert terms_digest(bitten(caps_of(ALL, late))) == first
    again = replace(late, raises=(raise_of(cap("stage", late)),), stage_usd=8.0)
    assert terms_digest(bitten(caps_of(ALL, again))) != first
    assert terms_digest(bitten(caps_of(replace(ALL, stage_usd=5.1), over))) != first


@given(spendings, money)
def test_more_spent_never_leaves_more(spending: Spending, more: float) -> None:
    later = replace(
        spending,
        stage_usd=spending.stage_usd + more,
        task_usd=spending.task_usd + more,
        task_day_usd=spending.task_day_usd + more,
        day_usd=spending.day_usd + more,
        project_usd=spending.project_usd + more,
    )
    before, after = (caps_of(ALL, each) for each in (spending, later))
    assert all(one.left >= other.left >= 0 for one, other in zip(before, after, strict=True))


@given(spendings)
def test_a_yes_to_what_bites_allows_exactly_what_it_names(spending: Spending) -> None:
    found = bitten(caps_of(ALL, spending))
    raised = replace(spending, raises=tuple(map(raise_of, found)))
    for before in found:
        after = cap(before.name, raised)
        assert abs(after.left - before.more) < 1e-6
        assert abs(after.in_force - (before.used + before.more)) < 1e-6
    assert bitten(caps_of(ALL, raised)) == ()
