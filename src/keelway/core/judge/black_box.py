"""Judge what the running application answered."""

from __future__ import annotations

from collections.abc import Sequence

from keelway.core.judge.question import Answer, Question, promised
from keelway.core.model.plan import AcceptanceProbe, Kind, Plan
from keelway.core.model.project import BlackBox
from keelway.core.model.verdict import Finding, failed, passed

_SHOWN_MAX = 5
_TEXT_SHOWN_MAX = 120


def judge_promised(
    asked: Sequence[tuple[Question, AcceptanceProbe]], answers: Sequence[Answer], hidden: int
) -> Finding:
    """Judge the answers to the plan's examples.

    What a hidden example wanted is not told: the finding goes to whoever it is hidden from.

    Args:
        asked: the questions, the hidden ones last.
        answers: one for each; a missing one is wrong.
        hidden: how many of them the developer was not shown.
    """
    shown = len(asked) - hidden
    given = [*answers, *[Answer(wrong="it was not asked")] * (len(asked) - len(answers))]
    wrong = []
    for number, ((question, example), answer) in enumerate(zip(asked, given, strict=False)):
        fault = _fault(question, example, answer)
        if fault:
            told = (
                f"{question}: {fault}"
                if number < shown
                else f"an example that is kept from you, at {question.place}"
            )
            wrong.append(told)
    if wrong:
        return failed(
            "black_box_examples",
            f"The running application answers {len(wrong)} of {len(asked)} examples of the plan wrongly: "
            f"{_listed(wrong)}. It has to answer every input, not those of the tests alone.",
            examined=len(asked),
        )
    return passed(
        "black_box_answers",
        f"The running application answers {len(asked)} examples of the plan, {hidden} of them kept from the developer.",
        examined=len(asked),
    )


def _fault(question: Question, example: AcceptanceProbe, answer: Answer) -> str:
    if answer.wrong:
        return answer.wrong
    if answer.status != example.status:
        return f"{answer.status}, not {example.status}"
    return "" if answer.contained else f"without {question.contains!r}"


def judge_same(
    questions: Sequence[Question],
    old: Sequence[Answer],
    again: Sequence[Answer],
    new: Sequence[Answer],
    plan: Plan,
) -> tuple[Finding, ...]:
    """Hold the answers of the new release against those of the old one.

    A question that the old release itself answers in two ways proves nothing and is left out.
    Another answer is a failure unless a feature or a fix names the place in its examples.

    Args:
        questions: what both were asked.
        old: what the old release answered.
        again: what another run of the old release answered.
        new: what the new release answered.
        plan: says what is meant to answer otherwise.
    """
    if not len(questions) == len(old) == len(again) == len(new):
        return (
            failed("black_box_unasked", "Not every question was answered; nothing is proven.", examined=0),
        )
    rows = tuple(zip(questions, old, again, new, strict=True))
    steady_ones = [row for row in rows if _key(row[1]) == _key(row[2]) and not row[1].wrong]
    if not steady_ones:
        why = next((before.wrong for before in old if before.wrong), "its answers differ from run to run")
        said = f"None of {len(rows)} questions could be compared: the old release: {why}."
        return (failed("black_box_nothing_compared", said, examined=0),)
    places = {question.place for question, _ in promised(plan, (BlackBox("*"),))}
    meant = places if plan.kind in {Kind.FEATURE, Kind.FIX} else set()
    other = [(row[0], row[1], row[3]) for row in steady_ones if _key(row[1]) != _key(row[3])]
    unmeant = [_told(*row) for row in other if row[0].place not in meant or row[2].wrong]
    planned = [_told(*row) for row in other if row[0].place in meant and not row[2].wrong]
    left_out = len(rows) - len(steady_ones)
    aside = f" {left_out} question(s) have no steady answer and were left out." if left_out else ""
    findings = []
    if unmeant:
        findings.append(
            failed(
                "black_box_differs",
                f"The new release answers {len(unmeant)} of {len(steady_ones)} questions otherwise than the old one, "
                f"and the plan does not say so: {_listed(unmeant)}.{aside}",
                examined=len(steady_ones),
            )
        )
    if planned:
        said = f"{len(planned)} answers differ where the plan says so: {_listed(planned)}."
        findings.append(passed("black_box_differs_as_planned", said, examined=len(planned)))
    if not unmeant:
        same = f"{len(steady_ones) - len(planned)} of {len(steady_ones)} answers are those of the old release.{aside}"
        findings.append(passed("black_box_compared", same, examined=len(steady_ones)))
    return tuple(findings)


def _key(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.digest, answer.wrong


def _told(question: Question, old: Answer, new: Answer) -> str:
    return f"{question}: {_shown(old)} became {_shown(new)}"


def _shown(answer: Answer) -> str:
    return answer.wrong or f"{answer.status} {' '.join(answer.text.split())[:_TEXT_SHOWN_MAX]!r}"


def _listed(rows: list[str]) -> str:
    more = f" and {len(rows) - _SHOWN_MAX} more" if rows[_SHOWN_MAX:] else ""
    return "; ".join(rows[:_SHOWN_MAX]) + more
