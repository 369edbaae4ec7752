"""A reviewer can block or comment; whatever else it says is no review."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault
from keelway.core.review.review import (
    COMMENTS_MAX,
    LINE_MAX,
    TEXT_CHARS_MAX,
    Opinion,
    Remark,
    Review,
    Reviewed,
    Weight,
    parse_review,
)

REMARK = {"path": "app/xmpp.py", "line": 7, "severity": "major", "text": "It never closes."}
BLOCK = {"verdict": "block", "summary": "It leaks.", "comments": [REMARK]}


def test_a_review_is_read() -> None:
    text = f"Let me see {{x}}.\n```json\n{json.dumps(BLOCK)}\n```"
    remark = Remark("app/xmpp.py", 7, Weight.MAJOR, "It never closes.")
    assert parse_review(text) == Review(Opinion.BLOCK, "It leaks.", (remark,))
    quiet = {"verdict": "comment", "summary": "Fine.", "comments": []}
    assert parse_review(json.dumps(quiet)).comments == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"verdict": "approve"},
            "$.verdict: 'approve' is not a valid Opinion; expected one of comment, block",
        ),
        ({"verdict": "BLOCK"}, "$.verdict"),
        ({"verdict": ["block"]}, "$.verdict"),
        ({"approved": True}, "$: unknown field approved"),
        ({"summary": " "}, "$.summary: empty"),
        ({"summary": "x" * (TEXT_CHARS_MAX + 1)}, "$.summary: 1001 characters, longer than 1000"),
        ({"comments": "none"}, "$.comments: expected a list, got str"),
        ({"comments": [REMARK] * (COMMENTS_MAX + 1)}, "$.comments: 31 entries, more than 30"),
        ({"comments": []}, "a block must name at least one"),
        ({"comments": [{**REMARK, "severity": "minor"}]}, "a block must name at least one"),
        ({"comments": [{**REMARK, "severity": "fatal"}]}, "$.comments[0].severity: 'fatal'"),
        ({"comments": [{**REMARK, "path": "../etc"}]}, "$.comments[0].path: not a plain path"),
        ({"comments": [{**REMARK, "line": -1}]}, "$.comments[0].line: -1 is no line"),
        ({"comments": [{**REMARK, "line": LINE_MAX + 1}]}, "$.comments[0].line"),
        ({"comments": [{**REMARK, "line": "7"}]}, "$.comments[0].line: expected int, got str"),
        ({"comments": [{**REMARK, "line": True}]}, "$.comments[0].line: expected int, got bool"),
        ({"comments": [{**REMARK, "text": ""}]}, "$.comments[0].text: empty"),
        ({"comments": [{**REMARK, "text": "x" * (TEXT_CHARS_MAX + 1)}]}, "$.comments[0].text: 1001"),
        ({"comments": [REMARK, {"path": "a"}]}, "$.comments[1].line: missing"),
    ],
)
def test_anything_else_is_no_review(change: dict[str, Any], said: str) -> None:
    with pytest.raises(TheirFault) as caught:
        parse_review(json.dumps({**BLOCK, **change}))
    assert said in caught.value.message
    assert caught.value.code == "review_invalid"


@pytest.mark.parametrize("field", BLOCK)
def test_no_field_may_be_left_out(field: str) -> None:
    less = {name: value for name, value in BLOCK.items() if name != field}
    with pytest.raises(TheirFault, match=rf"\$\.{field}: missing"):
        parse_review(json.dumps(less))


@given(st.text())
def test_random_text_is_no_review(text: str) -> None:
    with pytest.raises(TheirFault):
        parse_review(text)


def test_a_remark_names_its_place() -> None:
    assert Remark("a.py", 3, Weight.NOTE, "x").place == "a.py:3"
    assert Remark("a.py", 0, Weight.NOTE, "x").place == "a.py"
    assert Remark("", 3, Weight.NOTE, "x").place == ""


def test_a_review_is_of_one_commit_under_one_plan_and_can_be_kept() -> None:
    kept = Reviewed("a" * 40, 2, parse_review(json.dumps(BLOCK)))
    assert kept.about("a" * 40, 2)
    assert not kept.about("b" * 40, 2)
    assert not kept.about("a" * 40, 3)
    for value in (kept, Reviewed("a" * 40, 1, None, "no JSON")):
        assert from_json(Reviewed, to_json(value)) == value
