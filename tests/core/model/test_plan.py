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
    AcceptanceProbe,
    Kind,
    Plan,
    is_plain_path,
    is_plain_target,
    parse_plan,
    plan_digest,
    plan_json,
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
        ({"create": ("../x",)}, "not a plain path"),
        ({"migrations": ("migrations/1.sql",)}, "not among the files"),
    ],
)
def test_bounds_are_kept(plan: Plan, change: dict[str, object], said: str) -> None:
    with pytest.raises(TheirFault, match=said):
        parse_plan(text_of(replace(plan, **change)))


def test_unknown_fields_are_refused_with_a_sentence_for_the_agent() -> None:
    with pytest.raises(TheirFault, match="does not fit its schema"):
        parse_plan('{"title": "a", "approach": "b", "approved": true}')


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("no json", "The answer holds no JSON object."),
        (
            'Here:\n{"title": "a",\n "approach": "b",\n "probes": [{"path": "/x"}]\n "risks": []}',
            "no JSON object that can be read; it breaks at line 5, column 2: Expecting ',' delimiter.",
        ),
        ('{"approach": "b"}', "The plan does not fit its schema: $.title: missing."),
        ('{"title": 3, "approach": "b"}', "schema: $.title: expected str, got int."),
        ('{"title": "a", "approach": "b", "create": "app.py"}', "$.create: expected a list, got str."),
        ('{"title": "a", "approach": "b", "create": ["x", 7]}', "$.create[1]: expected str, got int."),
        (
            '{"title": "a", "approach": "b", "kind": "feature"}',
            "$.kind: 'feature' is not a valid Kind; expected one of feat, fix, chore, refactor, docs, test.",
        ),
        (
            '{"title": "a", "approach": "b", "probes": [{"path": "/x"}, {"url": "/y"}], "colour": 1}',
            "$.probes[1].path: missing; $.probes[1]: unknown field url; $: unknown field colour.",
        ),
        ('{"title": "a", "approach": "b", "modify": ["a.py", "../b"]}', "$.modify[1]: not a plain path"),
        ('{"path": "/x"}', "$.title: missing; $.approach: missing; $: unknown field path."),
    ],
)
def test_an_error_names_the_place_what_is_there_and_what_is_expected(answer: str, said: str) -> None:
    with pytest.raises(TheirFault) as caught:
        parse_plan(answer)
    assert said in caught.value.message


def test_of_many_errors_the_first_ten_are_told() -> None:
    with pytest.raises(TheirFault, match=r"\$\.create\[9\].*; and 5 more\."):
        parse_plan(json.dumps({"title": "a", "approach": "b", "create": list(range(15))}))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("flood", ["{" * 300_000, '{"' * 150_000, '{"a":[' * 900 * 20])
def test_a_flood_of_brackets_is_their_fault_at_once(plan: Plan, flood: str) -> None:
    with pytest.raises(TheirFault):
        parse_plan(flood)
    assert parse_plan("{ " * 9_000 + text_of(plan)) == plan


def test_a_migration_is_one_of_the_files(plan: Plan) -> None:
    moved = replace(plan, create=(*plan.create, "migrations/1.sql"), migrations=("migrations/1.sql",))
    assert parse_plan(text_of(moved)) == moved


def test_a_bracket_in_a_text_does_not_hide_the_answer(plan: Plan) -> None:
    other = text_of(replace(plan, title="Other"))
    assert parse_plan(f'{other}["{{"]{text_of(plan)}') == plan


def test_a_part_of_a_broken_plan_is_not_taken_for_the_plan(plan: Plan) -> None:
    whole = text_of(replace(plan, probes=plan.probes * 2))
    with pytest.raises(TheirFault, match="it breaks at line 1"):
        parse_plan(whole.replace('"probes": [', '"probes": [ oops '))


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


def test_examples_count_from_the_moment_there_are_some_and_the_developer_never_sees_them() -> None:
    plan = Plan("Title", "Approach")
    with_example = replace(plan, examples=(AcceptanceProbe("/fee?weight=333t"),))
    assert "examples" not in plan_json(plan), "the digest of a plan of before stays"
    assert plan_digest(plan) != plan_digest(with_example)
    assert plan_json(with_example)["examples"][0]["path"] == "/fee?weight=333t"
    assert plan_json(with_example, for_developer=True) == plan_json(plan)


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"path": "http://169.254.169.254/x"}, r"\$\.probes\[0\]\.path: not a path of the application"),
        ({"path": "//other.example/x"}, "not a path of the application"),
        ({"path": "/\\other.example"}, "not a path of the application"),
        ({"path": "/x y"}, "not a path of the application"),
        ({"path": "/x\r\nHost: y"}, "not a path of the application"),
        ({"path": ""}, "not a path of the application"),
        ({"path": "/x", "method": "get"}, r"\$\.probes\[0\]\.method: 'get'; expected one of DELETE"),
        ({"path": "/x", "status": 9}, "9 is no status of HTTP"),
    ],
)
def test_a_probe_asks_the_application_and_nobody_else(probe: dict[str, object], said: str) -> None:
    with pytest.raises(TheirFault, match=said):
        parse_plan(json.dumps({"title": "a", "approach": "b", "probes": [probe]}))


@pytest.mark.parametrize("target", ["/", "/x?y=1&z=%20", "/\u00fcber/\u754c", "/a//b", "/@x"])
def test_ordinary_targets_are_plain(target: str) -> None:
    assert is_plain_target(target)


@pytest.mark.timeout(20)
def test_what_breaks_late_is_not_read_again_and_again() -> None:
    with pytest.raises(TheirFault):
        parse_plan('{"title":[' * 400 + "1," * 100_000)


def test_a_number_of_thousands_of_digits_is_their_fault() -> None:
    with pytest.raises(TheirFault):
        parse_plan('{"title": "a", "approach": "b", "lines_estimate": ' + "9" * 5_000 + "}")
