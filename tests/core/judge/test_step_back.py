"""What an iteration broke is told from what was red before it."""

from __future__ import annotations

from keelway.core.judge.step_back import Standing, lost_tests, undone
from keelway.core.judge.tests import TestResult
from keelway.core.model.verdict import Ruling, failed

LINT = failed("check_failed", "The check lint failed.")


def ended(**outcomes: str) -> tuple[TestResult, ...]:
    return tuple(TestResult(f"t.py::{name}", outcome, f"why {name}") for name, outcome in outcomes.items())


def test_only_tests_of_the_base_count() -> None:
    before = Standing.of(
        1, "sha", ended(a="passed", own="passed", b="failed"), (LINT,), {"t.py::a", "t.py::b"}
    )
    assert before.green == {"t.py::a"}
    assert lost_tests(before, ended(a="failed", own="failed", b="failed")) == ended(a="failed")
    assert lost_tests(before, ended(a="passed", own="failed", b="failed")) == ()
    assert lost_tests(before, ()) == ()


def test_a_file_that_broke_as_a_whole_turns_its_tests_red() -> None:
    before = Standing.of(1, "sha", ended(a="passed"), (), {"t.py::a"})
    assert lost_tests(before, (TestResult("t.py", "error", "no import"),)) == (
        TestResult("t.py", "error", "no import"),
    )


def test_the_agent_is_told_what_was_taken_back_and_why() -> None:
    kept = Standing(2, "sha", frozenset(), ())
    many = ended(**{f"n{number:02}": "failed" for number in range(12)})
    finding = undone(3, kept, many)
    assert (finding.code, finding.ruling, finding.examined) == ("undone", Ruling.FAIL, 12)
    assert "the files are those of try 2 again" in finding.message
    assert "t.py::n00 (why n00)" in finding.message
    assert "and 2 more" in finding.message
    assert "more" not in undone(3, kept, many[:1]).message
