"""A plan is read strictly, and whatever the agent says, nothing but TheirFault comes out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.codec import to_json
from keelway.core.errors import TheirFault
from keelway.core.model.plan import (
    ITEMS_MAX,
    TEXT_CHARS_MAX,
    Kind,
    Plan,
    is_plain_path,
    parse_plan,
    plan_digest,
)


def text_of(plan: Plan) -> str:
    return json.dumps(to_json(plan))


def test_the_last_object_in_the_answer_is_the_plan(plan: Plan) -> None:
    answer = f'Thinking {{about}} it: {{"title": 1}}\n```json\n{text_of(plan)}\n```\nDone.'
    assert parse_plan(answer) == plan


@given(st.text())
def test_random_text_is_their_fault(text: str) -> None:
    with pytest.raises(TheirFault):
        parse_plan(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_random_json_is_their_fault(value: object) -> None:
    with pytest.raises(TheirFault):
        parse_plan(json.dumps({"title": value, "approach": value}) + json.dumps([value]) + '{"title": ""}')


def test_deep_nesting_is_their_fault() -> None:
    with pytest.raises(TheirFault):
        parse_plan('{"a":' * 5_000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "  "}, "needs a title"),
        ({"approach": "\n"}, "needs a title and an approach"),
        ({"title": "x" * 121}, "one line"),
        ({"title": "a\nb"}, "one line"),
        ({"approach": "x" * (TEXT_CHARS_MAX + 1)}, "longer than"),
        ({"usage": "x" * (TEXT_CHARS_MAX + 1)}, "longer than"),
        ({"create": tuple(f"f{number}" for number in range(ITEMS_MAX + 1))}, "more than"),
        ({"create": ("../x",)}, "Not a plain path"),
        ({"migrations": ("migrations/1.sql",)}, "not among the files"),
    ],
)
def test_bounds_are_kept(plan: Plan, change: dict[str, object], said: str) -> None:
    with pytest.raises(TheirFault, match=said):
        parse_plan(text_of(replace(plan, **change)))


def test_unknown_fields_are_refused_with_a_sentence_for_the_agent() -> None:
    with pytest.raises(TheirFault, match="does not fit its schema"):
        parse_plan('{"title": "a", "approach": "b", "approved": true}')


def test_the_title_is_trimmed_and_the_estimate_is_not_negative(plan: Plan) -> None:
    read = parse_plan(text_of(replace(plan, title=" a ", lines_estimate=-5)))
    assert (read.title, read.lines_estimate) == ("a", 0)


def test_the_digest_follows_every_field(plan: Plan) -> None:
    assert plan_digest(plan) != plan_digest(replace(plan, kind=Kind.FIX))
    assert plan_digest(plan) == plan_digest(parse_plan(text_of(plan)))


@pytest.mark.parametrize("path", ["", "/a", "a//b", "./a", "a/../b", "a\\b", "a\0", "a\nb", "a\u202eb", "a/"])
def test_tricky_paths_are_not_plain(path: str) -> None:
    assert not is_plain_path(path)


@pytest.mark.parametrize("path", ["a", "a/b.py", "a b/c", "ä/ö", ".env"])
def test_ordinary_paths_are_plain(path: str) -> None:
    assert is_plain_path(path)
