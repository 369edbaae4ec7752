"""Test results are weighed id by id; whatever is not exactly passed is not passed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.judge.tests import TestResult, judge_canary, judge_new_tests, judge_replay
from keelway.core.model.plan import Kind
from keelway.core.model.verdict import Finding, Ruling, combine

OUTCOMES = ["passed", "failed", "error", "skipped"]


def results(**outcomes: str) -> list[TestResult]:
    return [TestResult(name, outcome) for name, outcome in outcomes.items()]


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_all_passed() -> None:
    findings = judge_replay(["a", "b"], results(a="passed", b="passed", extra="passed"), ())
    assert codes(findings) == ["tests_replayed"]
    assert combine("judge", findings).passed
    assert findings[0].examined == 2


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ({"a": "passed"}, "tests_missing"),
        ({"a": "passed", "b": "failed"}, "tests_failed"),
        ({"a": "passed", "b": "error"}, "tests_failed"),
        ({"a": "passed", "b": "skipped"}, "tests_skipped"),
        ({"a": "passed", "b": "xpassed"}, "tests_skipped"),
        ({}, "tests_broken"),
        ({"a": "skipped", "b": "skipped"}, "tests_broken"),
    ],
)
def test_anything_else_fails(outcomes: dict[str, str], code: str) -> None:
    findings = judge_replay(["a", "b"], results(**outcomes), ())
    assert codes(findings) == [code]
    assert combine("judge", findings).ruling is Ruling.FAIL


def test_no_expectation_is_broken() -> None:
    assert codes(judge_replay([], results(a="passed"), ())) == ["tests_broken"]


def test_a_repeated_id_counts_with_its_worst_outcome() -> None:
    twice = [TestResult("a", "failed"), TestResult("a", "passed")]
    assert codes(judge_replay(["a"], twice, ())) == ["tests_failed"]


def test_only_the_same_failure_of_the_base_is_excused_and_listed() -> None:
    findings = judge_replay(["a", "b"], results(a="passed", b="failed"), ["b"])
    assert codes(findings) == ["tests_excused", "tests_replayed"]
    assert "b" in findings[0].message
    assert combine("judge", findings).passed
    assert codes(judge_replay(["a", "b"], results(a="passed"), ["b"])) == ["tests_missing"]
    assert codes(judge_replay(["a", "b"], results(a="passed", b="skipped"), ["b"])) == ["tests_skipped"]


def test_when_all_are_excused_nothing_was_proven() -> None:
    assert combine("judge", judge_replay(["a"], results(a="failed"), ["a"])).ruling is Ruling.FAIL


def test_long_lists_are_cut() -> None:
    names = [f"t{number:02}" for number in range(25)]
    assert "and 5 more" in judge_replay([*names, "ok"], results(ok="passed"), ())[0].message


@given(
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(OUTCOMES)), st.sets(st.sampled_from("abcde"))
)
def test_it_passes_only_if_every_expected_test_passed(outcomes: dict[str, str], expected: set[str]) -> None:
    verdict = combine("judge", judge_replay(expected, results(**outcomes), ()))
    assert verdict.passed == (bool(expected) and all(outcomes.get(name) == "passed" for name in expected))


def test_new_tests_fail_before_and_pass_after() -> None:
    finding = judge_new_tests(results(n="failed", m="error"), results(n="passed", m="passed"), Kind.FIX)
    assert (finding.code, finding.ruling) == ("new_tests_prove", Ruling.PASS)
    assert finding.evidence == {"not_loadable_on_base": "m"}
    assert "1 of them could not be loaded there" in finding.message


def test_a_module_that_is_not_there_yet_counts_and_is_labelled() -> None:
    finding = judge_new_tests([TestResult("tests/test_n.py", "error")], results(n="passed"), Kind.FEATURE)
    assert finding.evidence == {"not_loadable_on_base": "n"}
    plain = judge_new_tests(results(n="failed"), results(n="passed"), Kind.FEATURE)
    assert plain.message == "1 new tests fail on the base and pass on the head."


@pytest.mark.parametrize(
    ("base", "head", "code"),
    [
        ({"n": "failed"}, {"n": "failed"}, "new_tests_failed"),
        ({"n": "failed"}, {"n": "skipped"}, "new_tests_failed"),
        ({"n": "passed"}, {"n": "passed"}, "new_tests_prove_nothing"),
        ({"n": "skipped"}, {"n": "passed"}, "new_tests_prove_nothing"),
        ({"n": "strange"}, {"n": "passed"}, "new_tests_prove_nothing"),
        ({"n": "failed", "m": "passed"}, {"n": "passed", "m": "passed"}, "new_tests_prove_nothing"),
        ({}, {"n": "passed"}, "new_tests_base_unrun"),
        ({"n": "failed"}, {}, "new_tests_missing"),
        ({}, {}, "new_tests_missing"),
    ],
)
def test_new_tests_that_prove_nothing(base: dict[str, str], head: dict[str, str], code: str) -> None:
    finding = judge_new_tests(results(**base), results(**head), Kind.FEATURE)
    assert (finding.code, finding.ruling) == (code, Ruling.FAIL)


def test_an_altered_file_may_hold_tests_that_passed_before_beside_one_that_proves() -> None:
    head = results(old="passed", new="passed")
    finding = judge_new_tests(results(old="passed", new="failed"), head, Kind.FIX, known_ids=["old"])
    assert (finding.code, finding.examined) == ("new_tests_prove", 1)
    nothing = judge_new_tests(results(old="passed"), results(old="passed"), Kind.FIX, known_ids=["old"])
    assert (nothing.code, nothing.ruling) == ("new_tests_missing", Ruling.FAIL)
    altered = judge_new_tests(results(old="failed"), results(old="passed"), Kind.FIX, known_ids=["old"])
    assert altered.code == "new_tests_prove"


@pytest.mark.parametrize("kind", [Kind.REFACTOR, Kind.DOCS, Kind.MAINTENANCE, Kind.TESTS])
def test_other_kinds_need_none_but_what_they_bring_has_to_pass(kind: Kind) -> None:
    assert judge_new_tests([], [], kind).ruling is Ruling.PASS
    assert judge_new_tests(results(n="passed"), results(n="passed"), kind).ruling is Ruling.PASS
    assert judge_new_tests([], results(n="failed"), kind).code == "new_tests_failed"


def test_the_canary_has_to_fail() -> None:
    assert judge_canary(failed=True).ruling is Ruling.PASS
    assert judge_canary(failed=False).ruling is Ruling.FAIL
