"""A red test is excused by proof on the base only, and the number of excuses is bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.judge.flaky import (
    Excused,
    FlakyTest,
    flaky_book,
    green,
    judge_flaky,
    red,
    suspects,
)
from keelway.core.judge.tests import TestResult
from keelway.core.model.verdict import combine


def run(**outcomes: str) -> tuple[TestResult, ...]:
    return tuple(TestResult(name, outcome) for name, outcome in outcomes.items())


def test_red_is_what_failed_or_broke() -> None:
    assert red(run(a="failed", b="error", c="passed", d="skipped")) == {"a", "b"}


def test_what_passed_before_and_is_red_now_is_looked_at() -> None:
    seen = run(a="failed", b="failed", c="passed")
    assert suspects(seen, {"a", "c"}, {"b"}, ()) == {"a"}


def test_beside_a_new_red_test_nothing_is_looked_at() -> None:
    assert suspects(run(a="failed", new="failed"), {"a"}, (), ()) == frozenset()


def test_a_test_that_the_patch_may_alter_is_its_own() -> None:
    assert suspects(run(a="failed"), {"a"}, (), ("a",)) == frozenset()


def test_both_endings_of_a_test_that_was_run_again_are_seen() -> None:
    runs = (*run(a="passed", b="failed", c="skipped"), *run(a="error", b="passed", c="skipped"))
    assert red(runs) == green(runs) == {"a", "b"}
    assert red(()) == green(()) == frozenset()


def test_the_quota() -> None:
    assert judge_flaky((), 0) == ()
    (listed,) = judge_flaky({"b", "a"}, 2)
    assert (listed.code, listed.examined) == ("tests_flaky", 2)
    assert "a, b" in listed.message
    (over,) = judge_flaky({"b", "a"}, 1)
    assert over.code == "flaky_over_quota"
    assert not combine("judge", [over]).passed


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["passed", "failed", "error", "skipped"])),
    st.sets(st.sampled_from("abcdef")),
    st.sets(st.sampled_from("abcdef")),
)
def test_only_red_tests_that_passed_before_are_suspects(
    outcomes: dict[str, str], passing: set[str], failing: set[str]
) -> None:
    found = suspects(run(**outcomes), passing, failing, ())
    assert found <= red(run(**outcomes)) & passing - failing


def test_excused_are_the_known_and_the_flaky() -> None:
    assert Excused(frozenset("a"), frozenset("b")).ids == {"a", "b"}


def test_the_book_names_the_most_frequent_test_first() -> None:
    first = datetime(2026, 1, 5, tzinfo=UTC)
    later = first + timedelta(days=1)
    booked = [
        ({"tests": ["a", "b"], "excused": True}, first, "T-1"),
        ({"tests": ["b"], "excused": False}, later, "T-2"),
        ({"tests": "broken"}, later, "T-3"),
        ({}, later, "T-4"),
    ]
    assert flaky_book(booked) == (FlakyTest("b", 2, 1, later, "T-2"), FlakyTest("a", 1, 1, first, "T-1"))
