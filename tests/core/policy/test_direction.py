"""Every threshold says which way is stricter, and a value is looser than a ceiling only the other way."""

from __future__ import annotations

from typing import Any

import pytest

from keelway.core.policy import Policy
from keelway.core.policy.direction import DIRECTIONS, Direction, Stricter, direction_of, thresholds

PLACES = {"scan.rules", "scan.feed"}
"""Where something is: a ceiling fixes it."""


def test_every_direction_is_of_a_threshold_that_exists_and_fits_its_value() -> None:
    there = dict(thresholds())
    assert set(DIRECTIONS) <= set(there)
    for key, value in there.items():
        direction = direction_of(key)
        assert not direction.loosens(value, value), key
        assert direction.sentence
        if direction.stricter is Stricter.EARLIER:
            assert value in direction.order, key
        if isinstance(value, tuple | dict):
            assert direction.stricter in {Stricter.MORE, Stricter.FEWER}, key
        if isinstance(value, str):
            wanted = Stricter.FIXED if key in PLACES else Stricter.EARLIER
            assert direction.stricter is wanted, key


@pytest.mark.parametrize(
    ("key", "ceiling", "stricter", "looser"),
    [
        ("guardrail.files_max", 50, 49, 51),
        ("development.diff_coverage_min", 0.8, 0.9, 0.7),
        ("dependency.age_days_min", 90, 91, 0),
        ("budget.task_cost_usd_max", 5.0, 4.0, 0.0),
        ("budget.task_cost_usd_max", 5.0, 4.0, 6.0),
        ("dependency.licences", ("MIT", "ISC"), ("MIT",), ("MIT", "GPL")),
        ("dependency.licences", ("MIT", "ISC"), ("MIT",), ()),
        ("guardrail.forbidden", ("a/",), ("a/", "b/"), ("b/",)),
        ("category.paths", {"auth": ("a/",)}, {"auth": ("a/", "b/"), "x": ("c",)}, {"x": ("a/",)}),
        ("review.approve_stages", ("production",), ("production", "review"), ()),
        ("review.auto_merge_risk", "low", "none", "medium"),
        ("review.auto_merge_risk", "low", "none", "anything"),
        ("review.single_user", False, False, True),
        ("rollback.automatic", True, True, False),
        ("review.reviewer", "advisory", "required", "off"),
        ("production.window_seconds", 900.0, 901.0, 899.0),
        ("guardrail.lines_max", 5, 4, float("nan")),
        ("production.alpha", 0.01, 0.01, 0.02),
        ("production.alpha", 0.01, 0.01, 0.001),
    ],
)
def test_one_way_is_a_loosening(key: str, ceiling: Any, stricter: Any, looser: Any) -> None:
    direction = direction_of(key)
    assert not direction.loosens(ceiling, stricter)
    assert direction.loosens(ceiling, looser)


def test_what_has_no_bound_lets_everything() -> None:
    assert not direction_of("budget.task_cost_usd_max").loosens(0.0, 7.0)
    assert not direction_of("dependency.licences").loosens((), ("MIT",))


def test_the_sentences() -> None:
    assert direction_of("guardrail.files_max").sentence == "lower is stricter"
    assert direction_of("budget.task_tokens_max").sentence == "lower is stricter; 0 is no bound"
    assert (
        direction_of("dependency.licences").sentence == "fewer entries is stricter; an empty list is no bound"
    )
    assert direction_of("review.single_user").sentence == "strictest first: false, true"
    assert Direction(Stricter.FIXED).sentence == "a ceiling fixes it"


def test_thresholds_are_told_with_their_values() -> None:
    policy = Policy()
    assert ("budget.dev.cost_usd_max", policy.budget.dev.cost_usd_max) in {
        (key, value) for key, value in thresholds(policy) if isinstance(value, float)
    }
