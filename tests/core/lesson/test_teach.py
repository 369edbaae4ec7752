"""What a closed task teaches follows from its record alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keelway.core.codec import from_json, to_json
from keelway.core.lesson.history import REPEATED, Judged, history_of, told_in
from keelway.core.lesson.lesson import TEXT_CHARS_MAX, TITLE_CHARS_MAX, Lesson, LessonKind, LessonOutcome
from keelway.core.lesson.signature import problem_of, signature_of
from keelway.core.lesson.strategy import Strategy, strategy_of
from keelway.core.lesson.teach import LESSONS_MAX, Ending, lessons_of, verdict_on
from keelway.core.model.event import Event, EventKind
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding, Verdict, failed, passed

LINT = failed("check_failed", "The check lint failed. two.py:1: error: F401 unused", check="lint")
TYPES = failed("typecheck", "The types are wrong.")
GOOD = passed("checks_passed", "All passed.")
LIVE = "deployed"


@pytest.fixture
def at(now: datetime) -> datetime:
    return now + timedelta(hours=1)


def patch(content: str, files: tuple[str, ...] = ("two.py",)) -> Strategy:
    return Strategy("feat", files, ("two",), content)


def judged(at: datetime, *findings: Finding, gate: str = "quality", by: Strategy | None = None) -> Judged:
    return Judged(Verdict(gate, findings), at, by)


def kinds(lessons: tuple[Lesson, ...]) -> list[tuple[str, str]]:
    return [(lesson.kind.value, lesson.outcome.value) for lesson in lessons]


def test_a_task_that_went_live_teaches_its_approach_its_libraries_and_its_fixes(
    task: Task, plan: Plan, at: datetime
) -> None:
    plan = replace(
        plan, dependencies=("slixmpp", "attrs"), risks=("slixmpp is kept by three people.", "None else.")
    )
    history = (judged(at, LINT, by=patch("a")), judged(at, GOOD, by=patch("b", ("two.py", "three.py"))))
    lessons = lessons_of(task, plan, history, Ending(LIVE, "live", "", at))
    assert kinds(lessons) == [
        ("approach", "worked"),
        ("library", "worked"),
        ("library", "worked"),
        ("fix", "worked"),
        ("failure", "failed"),
    ]
    approach, slixmpp, attrs, fix, failure = lessons
    assert {lesson.task for lesson in lessons} == {"T-142"}
    assert {lesson.asked_by for lesson in lessons} == {"anna@telegram"}
    assert approach.signature == problem_of(task.request)
    assert approach.strategy == strategy_of(plan)
    assert "Please add XMPP support" in approach.text
    assert "slixmpp is kept by three people." in slixmpp.text
    assert "None else" not in slixmpp.text
    assert "Implement the driver contract." in attrs.text
    assert fix.signature == failure.signature == signature_of([LINT])
    assert (fix.strategy, failure.strategy) == (patch("b", ("two.py", "three.py")), patch("a"))
    assert "F401" in fix.text
    assert "three.py" in fix.text


def test_a_failure_that_stays_or_is_never_proven_cured_is_no_fix(
    task: Task, plan: Plan, at: datetime
) -> None:
    stays = (judged(at, LINT, by=patch("a")), judged(at, LINT, TYPES, by=patch("b")))
    assert not [
        each for each in lessons_of(task, plan, stays, Ending("failed", "x", "", at)) if _is_fix(each)
    ]
    proven = (*stays, judged(at, GOOD, by=patch("c")))
    fixes = [each for each in lessons_of(task, plan, proven, Ending(LIVE, "", "", at)) if _is_fix(each)]
    assert [each.strategy for each in fixes] == [patch("c")]
    between = (
        judged(at, LINT, by=patch("a")),
        judged(at, failed(REPEATED, "again")),
        judged(at, GOOD, by=patch("b")),
    )
    fixes = [each for each in lessons_of(task, plan, between, Ending(LIVE, "", "", at)) if _is_fix(each)]
    assert [each.strategy for each in fixes] == [patch("b")]
    nameless = (judged(at, LINT), judged(at, GOOD))
    assert not [each for each in lessons_of(task, None, nameless, Ending(LIVE, "", "", at)) if _is_fix(each)]


def _is_fix(lesson: Lesson) -> bool:
    return lesson.kind is LessonKind.FIX


def test_a_fix_is_taught_as_a_fix(task: Task, plan: Plan, at: datetime) -> None:
    ending = Ending("rolled_back", "judgement_rollback", "240 of 2,000 requests failed.", at)
    bad = judged(at, failed("judgement_rollback", "240 of 2,000 failed."), gate="production")
    (lesson, failure) = lessons_of(task, replace(plan, kind=Kind.FIX), (bad,), ending)
    assert kinds((lesson, failure)) == [("fix", "failed"), ("failure", "failed")]
    assert "End: rolled_back (judgement_rollback). 240 of 2,000 requests failed." in lesson.text


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (("deployed", "live"), LessonOutcome.WORKED),
        (("failed", "same_failure_again"), LessonOutcome.FAILED),
        (("rolled_back", "judgement_rollback"), LessonOutcome.FAILED),
        (("failed", "approval_denied"), LessonOutcome.REJECTED),
        (("rolled_back", "rollback_asked"), LessonOutcome.REJECTED),
        (("rolled_back", "rolled_back_on_order", "ann@cli"), LessonOutcome.REJECTED),
        (("rolled_back", "rolled_back_on_order", "keelway@system"), LessonOutcome.FAILED),
        (("rolled_back", "dead_letter"), None),
        (("failed", "budget_spent"), None),
        (("failed", "agent_auth_error"), None),
        (("aborted", "aborted"), None),
    ],
)
def test_only_a_gate_or_a_person_speaks_about_an_approach(
    ending: tuple[str, ...], said: LessonOutcome | None, at: datetime, task: Task, plan: Plan
) -> None:
    status, code, *by = ending
    history = (judged(at, failed("judgement_rollback", "no"), gate="production"),)
    end = Ending(status, code, "why", at, *by)
    assert verdict_on(history, end) is said
    approaches = [lesson for lesson in lessons_of(task, plan, (), end) if lesson.kind is LessonKind.APPROACH]
    assert bool(approaches) is (verdict_on((), end) is not None)


def test_refusing_what_is_known_teaches_nothing_new(task: Task, plan: Plan, at: datetime) -> None:
    again = judged(at, failed(REPEATED, "T-3 tried this."), by=patch("a"))
    history = (judged(at, LINT, by=patch("a")), judged(at, LINT, by=patch("a")), again)
    lessons = lessons_of(task, plan, history, Ending("failed", "budget_spent", "", at))
    assert kinds(lessons) == [("failure", "failed")]


def test_lessons_are_bounded_plain_and_hold_no_secret(task: Task, plan: Plan, at: datetime) -> None:
    secret = "AKIAIOSFODNN7EXAMPLF"
    history = [
        judged(at, failed("check_failed", f"error {chr(97 + number)}\u202e\x1b[31m"), by=patch(str(number)))
        for number in range(30)
    ]
    loud = replace(plan, title=f"T\u200b {'x' * 300}", approach=f"y\nkey = {secret}\n" + "z" * 3_000)
    lessons = lessons_of(task, loud, history, Ending(LIVE, "live", "", at))
    assert 1 < len(lessons) <= LESSONS_MAX
    assert all(len(each.title) <= TITLE_CHARS_MAX and len(each.text) <= TEXT_CHARS_MAX for each in lessons)
    shown = repr(lessons)
    assert not {"\u202e", "\\u202e", "\\x1b", "\\u200b", secret} & {
        part for part in ("\u202e", "\\u202e", "\\x1b", "\\u200b", secret) if part in shown
    }
    assert "left out" in lessons[0].text
    long = Lesson(LessonKind.FAILURE, LessonOutcome.FAILED, "t", "x" * 5_000, "T-1", at)
    assert long.name == "L-0"


def test_the_key_of_a_lesson_stays_when_its_outcome_changes(task: Task, plan: Plan, at: datetime) -> None:
    worked = lessons_of(task, plan, (), Ending(LIVE, "live", "", at))[0]
    back = Ending("rolled_back", "rolled_back_on_order", "Users complain.", at, "ann@cli")
    rejected = lessons_of(task, plan, (), back)[0]
    assert worked.outcome is not rejected.outcome
    assert worked.key == rejected.key != lessons_of(replace(task, number=7), plan, (), back)[0].key


def test_history_is_read_from_events_of_any_version(plan: Plan, now: datetime) -> None:
    strategy = patch("a")
    gate = {"gate": "quality", "ruling": "fail", "findings": to_json((LINT,)), "strategy": to_json(strategy)}
    answer = {"question": "q", "approval": {"answer": "revise", "remarks": "use slixmpp"}}
    events = (
        Event(EventKind.DECISION_MADE, now, stage="planning", actor="ann@chat", data=answer),
        Event(EventKind.CONTROL_CHANGED, now, data={"record": "task", "fields": {"plan": to_json(plan)}}),
        Event(EventKind.CONTROL_CHANGED, now, data={"record": "task", "fields": {"paused": True}}),
        Event(EventKind.CONTROL_CHANGED, now, data={"what": "paused"}),
        Event(EventKind.DECISION_MADE, now, stage="planning", actor="ann@chat", data=answer),
        Event(EventKind.DECISION_MADE, now, stage="planning", actor="ann@chat", data={"approval": 3}),
        Event(EventKind.DECISION_MADE, now, stage="planning", data={"approval": {"answer": "yes"}}),
        Event(EventKind.DECISION_MADE, now, stage="review", data=answer),
        Event(EventKind.GATE_JUDGED, now, data=gate),
        Event(EventKind.GATE_JUDGED, now, data={**gate, "strategy": {"mood": "good"}}),
        Event(EventKind.GATE_JUDGED, now, data={"gate": "quality", "findings": "none"}),
        Event(EventKind.LESSON_TOLD, now, data={"lessons": [3, 1]}),
        Event(EventKind.LESSON_TOLD, now, data={"lessons": ["x"]}),
        Event(EventKind.LESSON_TOLD, now),
    )
    person, seen, blind = history_of(events)
    assert (person.gate, person.strategy) == ("plan", strategy_of(plan))
    assert "ann@chat wanted another plan: use slixmpp" in person.verdict.reasons[0].message
    assert (seen.verdict, seen.strategy, blind.strategy) == (Verdict("quality", (LINT,)), strategy, None)
    assert told_in(events) == (1, 3)


def test_a_plan_that_a_person_sent_back_is_taught(task: Task, plan: Plan, at: datetime) -> None:
    older = replace(plan, create=("app/other.py",), modify=())
    no = judged(
        at, failed("approval_denied", "ann@chat said no: too much"), gate="plan", by=strategy_of(older)
    )
    lessons = lessons_of(task, plan, (no,), Ending(LIVE, "live", "", at))
    assert kinds(lessons) == [("approach", "worked"), ("approach", "rejected")]
    assert "too much" in lessons[1].text
    assert "app/other.py" in lessons[1].title
    last = judged(at, failed("approval_denied", "ann@chat said no"), gate="plan", by=strategy_of(plan))
    denied = lessons_of(task, plan, (last,), Ending("failed", "approval_denied", "ann said no", at))
    assert kinds(denied) == [("approach", "rejected")]


findings = st.builds(
    Finding,
    st.text(max_size=5),
    st.sampled_from(["pass", "hold", "fail"]),
    st.text(max_size=30),
    st.integers(0, 1),
).map(lambda made: from_json(Finding, {**to_json(made), "ruling": str(made.ruling)}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["quality", "plan", "staging"]), st.lists(findings, max_size=3)), max_size=6
    ),
    st.sampled_from(["deployed", "failed", "rolled_back"]),
    st.text(max_size=20),
)
def test_any_record_teaches_and_always_the_same(
    task: Task, plan: Plan, now: datetime, record: list[tuple[str, list[Finding]]], status: str, code: str
) -> None:
    history = [
        judged(now, *some, gate=gate, by=patch(str(number)) if number % 2 else None)
        for number, (gate, some) in enumerate(record)
    ]
    ending = Ending(status, code, code, now)
    lessons = lessons_of(task, plan, history, ending)
    assert lessons == lessons_of(task, plan, history, ending)
    assert len({lesson.key for lesson in lessons}) == len(lessons) <= LESSONS_MAX
    assert from_json(tuple[Lesson, ...], to_json(lessons)) == lessons


def test_a_package_that_a_plan_could_not_have_is_taught(task: Task, plan: Plan, at: datetime) -> None:
    refused = failed("package_absent", "There is no package spamx.", package="spamx")
    history = (judged(at, refused, gate="plan"),)
    for known in (plan, None):
        lessons = lessons_of(task, known, history, Ending("failed", "gate", "No.", at))
        assert ("library", "failed") in kinds(lessons)
