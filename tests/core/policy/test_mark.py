"""The mark of a policy follows what it states, not how the file is laid out, and nothing crashes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.policy.mark import CHARS_MAX, policy_mark, same_policy

TEXT = '[project]\nname = "a"\n[policy.plan]\nlines_high = 3\nlines_medium = 1\n'


def test_only_what_the_policy_states_counts() -> None:
    mark = policy_mark(TEXT)
    other = '[policy]\nplan = { lines_medium = 1, lines_high = 3 }\n[project]\nname = "b"\n# words\n'
    assert same_policy(mark, other)
    assert not same_policy(mark, TEXT.replace("3", "4"))
    assert not same_policy(mark, "")
    assert same_policy(policy_mark("x = 1"), "")


@pytest.mark.parametrize(
    "text",
    [
        "policy = ",
        "[policy]\na = 2026-01-01",
        "[policy]\na = nan",
        "a = " + "[" * 5_000,
        "#" * (CHARS_MAX + 1),
        "a = 9" + "9" * 5_000,
    ],
)
def test_what_cannot_be_read_equals_nothing(text: str) -> None:
    assert policy_mark(text) == ""
    assert not same_policy("", text)
    assert not same_policy(policy_mark(TEXT), text)


@given(st.text(max_size=200))
def test_no_text_crashes_it(text: str) -> None:
    assert same_policy(policy_mark(text), text) == bool(policy_mark(text))
