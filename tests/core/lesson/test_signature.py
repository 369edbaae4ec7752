"""The same trouble has the same fingerprint, whatever differs from run to run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.lesson.signature import normalised, problem_of, signature_of, telling_lines
from keelway.core.model.task import Request
from keelway.core.model.verdict import Finding, Ruling, failed, passed

PYTEST = """\
============================= test session starts ==============================
collected 3 items

tests/test_app.py .F.                                                    [100%]

=================================== FAILURES ===================================
___________________________________ test_two ___________________________________

    def test_two():
>       assert two() == 2
E       ModuleNotFoundError: No module named 'slixmpp'

tests/test_app.py:12: ModuleNotFoundError
=========================== short test summary info ============================
FAILED tests/test_app.py::test_two - ModuleNotFoundError: No module named 'slixmpp'
========================= 1 failed, 2 passed in 0.12s ==========================
"""

numbers = st.integers(0, 10**9).map(str) | st.floats(0, 1e6, allow_nan=False).map(
    lambda value: f"{value:.3f}"
)
hexes = (
    st.integers(16**6, 16**40 - 1)
    .map(lambda value: f"{value:x}")
    .filter(lambda text: any(char.isdigit() for char in text))
)
names = st.text(st.sampled_from("abcxyz_"), min_size=1, max_size=8)
paths = st.builds(
    lambda folders, name, suffix: "/".join([*folders, f"{name}.{suffix}"]),
    st.lists(names, max_size=3),
    names,
    st.sampled_from(["py", "ts", "go", "toml"]),
)
instants = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1))  # noqa: DTZ001 - hypothesis takes no other
times = instants.map(datetime.isoformat) | instants.map(lambda at: f"{at:%Y-%m-%d %H:%M:%S}Z")


def say(number: str, sha: str, path: str, at: str) -> str:
    return f"{at} error: {path}:{number} was refused after {number} s at {sha} (0x{sha})"


@given(numbers, hexes, paths, times)
def test_numbers_hashes_paths_and_times_do_not_matter(number: str, sha: str, path: str, at: str) -> None:
    here = signature_of([failed("check_failed", say(number, sha, path, at), check="lint")])
    there = [failed("check_failed", say("1", "abc1234", "app/main.py", "2026-01-01T10:00:00"), check="lint")]
    assert here == signature_of(there)
    assert here.startswith("check_failed:")


@pytest.mark.parametrize(
    "other",
    [
        failed("check_failed", "error: F841 unused variable", check="lint"),
        failed("check_failed", "error: F401 unused import", check="types"),
        failed("secret", "error: F401 unused import", check="lint"),
    ],
)
def test_the_code_the_check_and_what_is_said_do(other: Finding) -> None:
    assert signature_of([failed("check_failed", "error: F401 unused import", check="lint")]) != signature_of(
        [other]
    )


def test_the_output_of_a_test_run_is_known_again() -> None:
    again = PYTEST.replace("0.12s", "3.4s").replace("2 passed", "9 passed").replace(":12:", ":40:")
    moved = again.replace("tests/test_app.py", "tests/deep/test_other.py")
    assert signature_of(PYTEST) == signature_of(moved) != ""
    assert signature_of(PYTEST) != signature_of(PYTEST.replace("slixmpp", "aioxmpp"))
    assert telling_lines(PYTEST) == (
        "E       ModuleNotFoundError: No module named 'slixmpp'",
        "tests/test_app.py:12: ModuleNotFoundError",
        "FAILED tests/test_app.py::test_two - ModuleNotFoundError: No module named 'slixmpp'",
    )


def test_an_output_that_says_nothing_is_known_by_its_last_line() -> None:
    assert telling_lines("one\ntwo\n\n====\n") == ("two",)
    assert telling_lines("") == ()
    assert signature_of("") == signature_of("\n---\n") == ""
    assert len(telling_lines("\n".join(f"error {chr(97 + number)}" for number in range(20)))) == 8


def test_only_what_keeps_a_gate_shut_counts() -> None:
    shut = failed("no_change", "The patch changes no file.")
    assert signature_of([shut, passed("fine", "Fine.")]) == signature_of([shut])
    assert signature_of([passed("fine", "Fine.")]) == ""
    empty = Finding("check_empty", Ruling.PASS, "It examined nothing.", 0)
    assert signature_of([empty]).startswith("check_empty:")


@given(st.lists(st.builds(failed, st.sampled_from("abc"), st.text(max_size=40)), max_size=5), st.randoms())
def test_the_order_of_findings_does_not_matter(findings: list[Finding], random: Random) -> None:
    mixed = list(findings)
    random.shuffle(mixed)
    assert signature_of(mixed) == signature_of([*findings, *findings[:1]])


@given(st.text(max_size=120))
def test_marks_are_stable(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once


def test_a_problem_is_known_by_its_error_its_evidence_or_its_words(request_made: Request) -> None:
    words = problem_of(request_made)
    assert words == problem_of(replace(request_made, text="please ADD  xmpp-support!"))
    assert words != problem_of(replace(request_made, text="Please remove XMPP support"))
    evidence = replace(request_made, evidence="KeyError: 'x' at app.py:12", text="a")
    assert problem_of(evidence) == problem_of(replace(evidence, evidence="KeyError: 'x' at b.py:7", text="b"))
    fingerprint = replace(evidence, fingerprint="f" * 8)
    assert problem_of(fingerprint) == problem_of(replace(fingerprint, evidence=""))
    assert len({words, problem_of(evidence), problem_of(fingerprint)}) == 3
