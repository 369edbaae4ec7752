"""A repository may only be stricter than its operator; a looser wish is named and not applied."""

from __future__ import annotations

import pytest
from cattrs import BaseValidationError
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.policy import Policy
from keelway.core.policy.ceiling import (
    OPERATOR,
    REPOSITORY,
    clamped,
    combine_policies,
    policy_of,
    shown,
    stated,
)
from keelway.core.policy.direction import direction_of, thresholds

CEILING = {"guardrail": {"files_max": 30, "forbidden": ["infra/"]}, "review": {"auto_merge_risk": "low"}}


def test_without_an_operator_the_repository_says_what_holds() -> None:
    own = {"guardrail": {"files_max": 80}, "staging": {"window_seconds": 7.0}}
    found = combine_policies({}, own)
    assert found.policy.guardrail.files_max == 80
    assert found.policy.staging.window_seconds == 7.0
    assert found.policy.staging.error_rate_max == Policy().staging.error_rate_max
    assert found.loosened == ()
    assert found.sources == {"guardrail.files_max": REPOSITORY, "staging.window_seconds": REPOSITORY}


def test_what_the_operator_says_holds_where_the_repository_is_silent() -> None:
    found = combine_policies(CEILING, {"plan": {"lines_high": 10}})
    assert found.policy.guardrail.files_max == 30
    assert found.policy.guardrail.forbidden == ("infra/",)
    assert found.policy.review.auto_merge_risk == "low"
    assert found.policy.plan.lines_high == 10
    assert found.sources["review.auto_merge_risk"] == OPERATOR
    assert found.sources["plan.lines_high"] == REPOSITORY


def test_the_stricter_of_two_holds_and_a_looser_one_is_named() -> None:
    own = {
        "guardrail": {"files_max": 20, "forbidden": ["docs/"]},
        "review": {"auto_merge_risk": "medium", "single_user": False},
    }
    found = combine_policies(CEILING, own)
    assert found.policy.guardrail.files_max == 20
    assert found.policy.guardrail.forbidden == ("infra/",)
    assert found.policy.review.auto_merge_risk == "low"
    assert not found.policy.review.single_user
    assert [one.key for one in found.loosened] == ["guardrail.forbidden", "review.auto_merge_risk"]
    assert str(found.loosened[1]) == (
        'policy.review.auto_merge_risk = "medium", where the operator allows "low" '
        "(strictest first: none, low, medium)"
    )
    assert found.sources["guardrail.files_max"] == REPOSITORY
    assert found.sources["review.auto_merge_risk"] == OPERATOR


def test_the_same_value_stays_the_operators() -> None:
    assert combine_policies(CEILING, CEILING).sources["guardrail.files_max"] == OPERATOR


def test_defaults_bind_when_the_operator_says_so() -> None:
    own = {"development": {"iterations_max": 11}}
    assert combine_policies({}, own).loosened == ()
    found = combine_policies({}, own, bind_defaults=True)
    assert [one.key for one in found.loosened] == ["development.iterations_max"]
    assert found.policy == Policy()
    assert combine_policies({}, {"development": {"iterations_max": 9}}, bind_defaults=True).loosened == ()


@pytest.mark.parametrize("table", [{"guardrail": {"files_max": "many"}}, {"nothing": 1}, {"staging": 3}])
def test_a_table_that_is_none_is_an_error(table: dict[str, object]) -> None:
    with pytest.raises(BaseValidationError):
        policy_of(table)


def test_a_ceiling_that_came_later_takes_away_what_is_looser_and_leaves_the_rest() -> None:
    policy = combine_policies({}, {"guardrail": {"files_max": 80}, "plan": {"lines_high": 900}}).policy
    held = clamped(policy, CEILING)
    assert (held.guardrail.files_max, held.guardrail.forbidden) == (30, ("infra/",))
    assert held.plan.lines_high == 900
    assert held.review == policy.review, "none is stricter than low already"
    assert clamped(policy, {}, bind_defaults=True) == Policy()
    assert clamped(policy, {}) == policy


numbers = {
    key: value for key, value in thresholds() if isinstance(value, int | float) and key.endswith("_max")
}


@given(st.sampled_from(sorted(numbers)), st.integers(0, 9_000), st.integers(0, 9_000))
def test_no_number_gets_past_its_ceiling(key: str, allowed: int, wanted: int) -> None:
    *rooms, name = key.split(".")

    def table(value: int) -> dict[str, object]:
        made: dict[str, object] = {name: value}
        for room in reversed(rooms):
            made = {room: made}
        return made

    found = combine_policies(table(allowed), table(wanted))
    held = dict(thresholds(found.policy))[key]
    assert not direction_of(key).loosens(allowed, held)
    assert bool(found.loosened) == (held != wanted)


def test_values_are_shown_as_they_are_written() -> None:
    assert [shown(value) for value in (True, "a", ("b", 1), 2.0, 2.5, {"x": ("y",)}, [])] == [
        "true",
        '"a"',
        '["b", 1]',
        "2",
        "2.5",
        '{ "x" = ["y"] }',
        "[]",
    ]
    assert list(stated(Policy(), {"plan": {"lines_high": 1}, "category": {"paths": {"x": []}}})) == [
        "plan.lines_high",
        "category.paths",
    ]
