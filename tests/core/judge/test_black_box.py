"""What a running application is asked, and what its answers prove."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.judge.black_box import judge_promised, judge_same
from keelway.core.judge.question import (
    QUESTIONS_MAX,
    Answer,
    Question,
    faults_of,
    generated,
    promised,
    steady,
)
from keelway.core.model.plan import AcceptanceProbe, Kind, Plan
from keelway.core.model.project import BlackBox
from keelway.core.model.verdict import Ruling, combine

WEB = BlackBox(
    "web",
    asks=("GET /fee?weight={number:1-50}", 'POST /fees {"name": "{word}", "of": "{one:a|b}"}', "GET /all"),
)
CLI = BlackBox("cli", use="command", run=("cli",), asks=("fee {number}",), rounds=2)
ASK = Question("web", "GET", "/fee?weight=3")


def plan(kind: Kind = Kind.FEATURE, **more: Any) -> Plan:
    return Plan("Title", "Approach", kind, **more)


def test_questions_follow_from_their_seed_and_from_nothing_else() -> None:
    asked = generated((WEB, CLI), "seed")
    assert asked == generated((WEB, CLI), "seed")
    assert asked != generated((WEB, CLI), "other")
    weights = {question.target for question in asked if question.target.startswith("/fee?")}
    assert len(weights) > 1
    assert all(1 <= int(target.removeprefix("/fee?weight=")) <= 50 for target in weights)
    posted = [question for question in asked if question.method == "POST"]
    assert all(question.body.startswith('{"name": "') and question.body[-3] in "ab" for question in posted)
    assert [str(question) for question in asked].count("GET /all") == 1
    words = [question for question in asked if question.box == "cli"]
    assert {question.method for question in words} == {"RUN"}
    assert all(question.words[0] == "fee" and question.words[1].isdigit() for question in words)


def test_numbers_without_a_range_are_small_and_large() -> None:
    box = BlackBox("web", asks=("GET /{number}",), rounds=40)
    numbers = [int(question.target[1:]) for question in generated((box,), "seed")]
    assert min(numbers) < 10
    assert max(numbers) > 1_000


def test_there_is_an_end_of_questions() -> None:
    box = BlackBox("web", asks=tuple(f"GET /{number}?a={{word}}" for number in range(20)), rounds=50)
    assert len(generated((box,), "seed")) == QUESTIONS_MAX


@pytest.mark.parametrize(
    ("box", "fault"),
    [
        (BlackBox("a", use="magic"), "unknown use"),
        (BlackBox("a", use="command"), "empty command"),
        (BlackBox("a", rounds=0), "0 rounds"),
        (BlackBox("a", rounds=51), "51 rounds"),
        (BlackBox("a", asks=("fee 3",)), "reads like GET /path"),
        (BlackBox("a", asks=("GET /{number:5-1}",)), "range"),
        (BlackBox("a", asks=("GET /{number:x}",)), "range"),
        (BlackBox("a", asks=("GET /{one}",)), "range"),
        (BlackBox("a", asks=("GET /{word:x}",)), "range"),
    ],
)
def test_what_cannot_be_asked(box: BlackBox, fault: str) -> None:
    (said,) = faults_of([box])
    assert fault in said
    assert "'a'" in said


def test_good_boxes_have_no_fault_and_names_are_there_once() -> None:
    assert faults_of([WEB, CLI]) == []
    assert faults_of([WEB, WEB]) == ["black_box 'web' is there twice"]


def test_the_examples_of_a_plan_are_asked_where_they_belong() -> None:
    shown = AcceptanceProbe("/fee", "POST", 201, "ok", '{"a": 1}')
    hidden = (
        AcceptanceProbe("cli", "RUN", 0, "7", '["fee", "a b"]'),
        AcceptanceProbe("cli", "RUN", 0, "", "no json"),
        AcceptanceProbe("cli", "RUN", 0, "", "3"),
        AcceptanceProbe("cli", "RUN", 0),
    )
    asked = promised(plan(probes=(shown,), examples=hidden), (WEB, CLI))
    assert [question for question, _ in asked] == [
        Question("web", "POST", "/fee", '{"a": 1}', "ok"),
        Question("cli", "RUN", "fee 'a b'", "", "7"),
        Question("cli", "RUN", "'no json'"),
        Question("cli", "RUN", "3"),
        Question("cli", "RUN", ""),
    ]
    assert asked[1][0].words == ("fee", "a b")
    assert str(asked[1][0]) == "cli: fee 'a b'"
    assert promised(plan(probes=(shown,)), (CLI,)) == ()


EXAMPLES = (
    (ASK, AcceptanceProbe("/fee?weight=3")),
    (Question("web", "GET", "/fee?weight=9", "", "28"), AcceptanceProbe("/fee?weight=9")),
)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([Answer(404), Answer(200)], "GET /fee?weight=3: 404, not 200"),
        ([Answer(wrong="unreachable"), Answer(200)], "GET /fee?weight=3: unreachable"),
        ([Answer(200)], "an example that is kept from you, at /fee"),
        ([Answer(200), Answer(200, contained=False)], "an example that is kept from you, at /fee"),
        ([], "2 of 2"),
    ],
)
def test_a_wrong_answer_is_refused_and_a_hidden_example_stays_hidden(
    answers: list[Answer], said: str
) -> None:
    finding = judge_promised(EXAMPLES, answers, hidden=1)
    assert (finding.code, finding.ruling) == ("black_box_examples", Ruling.FAIL)
    assert said in finding.message
    assert "weight=9" not in finding.message
    assert "28" not in finding.message


def test_a_shown_example_says_what_was_missing() -> None:
    finding = judge_promised(EXAMPLES, [Answer(200), Answer(200, contained=False)], hidden=0)
    assert "without '28'" in finding.message


def test_right_answers_pass() -> None:
    finding = judge_promised(EXAMPLES, [Answer(200), Answer(200)], hidden=1)
    assert (finding.code, finding.ruling, finding.examined) == ("black_box_answers", Ruling.PASS, 2)


def said(text: str, status: int = 200) -> Answer:
    return Answer(status, text, text)


def test_the_same_answers_pass() -> None:
    (finding,) = judge_same([ASK], [said("a")], [said("a")], [said("a")], plan())
    assert (finding.code, finding.examined, finding.ruling) == ("black_box_compared", 1, Ruling.PASS)


@pytest.mark.parametrize("kind", list(Kind))
def test_another_answer_is_refused_unless_a_feature_or_a_fix_names_its_place(kind: Kind) -> None:
    sides = ([said("a")], [said("a")], [said("b")])
    findings = judge_same([ASK], *sides, plan(kind))
    assert [finding.code for finding in findings] == ["black_box_differs"]
    assert "GET /fee?weight=3: 200 'a' became 200 'b'" in findings[0].message
    meant = judge_same([ASK], *sides, plan(kind, examples=(AcceptanceProbe("/fee?weight=8"),)))
    assert combine("judge", meant).ruling is (
        Ruling.PASS if kind in {Kind.FEATURE, Kind.FIX} else Ruling.FAIL
    )


def test_answers_that_differ_as_planned_are_listed_beside_others_that_do_not() -> None:
    other = Question("web", "GET", "/all")
    told = plan(Kind.FIX, probes=(AcceptanceProbe("/fee"),))
    same, old, new = said("x"), said("a"), said("b")
    findings = judge_same([ASK, other], [old, same], [old, same], [new, same], told)
    assert [finding.code for finding in findings] == ["black_box_differs_as_planned", "black_box_compared"]
    assert combine("judge", findings).passed


def test_no_answer_is_never_planned() -> None:
    told = plan(Kind.FIX, probes=(AcceptanceProbe("/fee"),))
    findings = judge_same([ASK], [said("a")], [said("a")], [Answer(wrong="unreachable")], told)
    assert [finding.code for finding in findings] == ["black_box_differs"]
    assert "became unreachable" in findings[0].message


def test_what_the_old_release_answers_in_two_ways_is_left_out() -> None:
    other = Question("web", "GET", "/all")
    findings = judge_same(
        [ASK, other], [said("1"), said("x")], [said("2"), said("x")], [said("3"), said("x")], plan()
    )
    assert [finding.code for finding in findings] == ["black_box_compared"]
    assert "1 question(s) have no steady answer" in findings[0].message
    (nothing,) = judge_same([ASK], [said("1")], [said("2")], [said("1")], plan())
    assert (nothing.code, nothing.examined) == ("black_box_nothing_compared", 0)
    assert "differ from run to run" in nothing.message
    (silent,) = judge_same([ASK], [Answer(wrong="no")], [Answer(wrong="no")], [said("1")], plan())
    assert "the old release: no." in silent.message


def test_missing_answers_prove_nothing() -> None:
    (finding,) = judge_same([ASK], [], [], [said("a")], plan())
    assert (finding.code, finding.ruling) == ("black_box_unasked", Ruling.FAIL)


def test_long_lists_are_cut() -> None:
    questions = [Question("web", "GET", f"/{number}") for number in range(8)]
    old, new = [said("a")] * 8, [said("b")] * 8
    (finding,) = judge_same(questions, old, old, new, plan())
    assert "and 3 more" in finding.message


def test_instants_and_random_ids_do_not_count() -> None:
    one = '{"at": "2026-01-05T09:00:00Z", "id": "0b0c6a52-6f53-4a8e-9d6a-2f4f2d8c1a11", "n": 7}'
    two = '{"at": "2027-11-05T09:00:01.5+01:00", "id": "1b0c6a52-6f53-4a8e-9d6a-2f4f2d8c1a12", "n": 7}'
    assert steady(one) == steady(two)
    assert steady(one) != steady(two.replace("7", "8"))


@given(
    st.lists(st.sampled_from(["a", "b", "!"]), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "!"]), min_size=1, max_size=6),
)
def test_it_passes_only_if_every_steady_answer_is_the_same(old: list[str], new: list[str]) -> None:
    size = min(len(old), len(new))
    questions = [Question("web", "GET", f"/{number}") for number in range(size)]
    sides = [
        [Answer(wrong="!") if text == "!" else said(text) for text in side[:size]] for side in (old, new)
    ]
    passes = combine("judge", judge_same(questions, sides[0], sides[0], sides[1], plan(Kind.REFACTOR))).passed
    steady_ones = [number for number in range(size) if old[number] != "!"]
    assert passes == (bool(steady_ones) and all(old[number] == new[number] for number in steady_ones))
