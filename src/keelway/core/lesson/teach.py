"""What a closed task teaches: worked out from its plan, its verdicts and its end, without any model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from keelway.core.lesson.history import REPEATED, Judged
from keelway.core.lesson.lesson import Lesson, LessonKind, LessonOutcome, bounded
from keelway.core.lesson.signature import problem_of, signature_of, telling_lines
from keelway.core.lesson.strategy import Strategy, strategy_of
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.task import SYSTEM, Task
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.words.text import line

LESSONS_MAX = 20
FAILURES_MAX = 8
LIBRARIES_MAX = 6
_QUALITY, _PLAN = "quality", "plan"
_PEOPLE = frozenset({"approval_denied", "rollback_asked"})
_SPENT = frozenset({"iterations_spent", "same_failure_again", "typecheck_spent", "review_retries_spent"})
_ON_ORDER = "rolled_back_on_order"
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


@dataclass(frozen=True)
class Ending:
    """State how a task ended."""

    status: str
    code: str
    message: str
    at: datetime
    by: str = ""
    """Who took a live release back; empty otherwise."""


def lessons_of(
    task: Task, plan: Plan | None, history: Sequence[Judged], ending: Ending
) -> tuple[Lesson, ...]:
    """Return what a task teaches, the most telling first; the same record teaches the same."""
    found: dict[str, Lesson] = {}
    for lesson in _taught(task, plan, history, ending):
        kept = bounded(replace(lesson, task=task.name, asked_by=str(task.request.requested_by)))
        found.setdefault(kept.key, kept)
    return tuple(found.values())[:LESSONS_MAX]


def verdict_on(history: Sequence[Judged], ending: Ending) -> LessonOutcome | None:
    """Say what the end says about the approach; nothing when the machine, the money or an abort ended it."""
    if ending.status == "deployed":
        return LessonOutcome.WORKED
    person = ending.code == _ON_ORDER and ending.by != str(SYSTEM)
    if ending.code in _PEOPLE or person:
        return LessonOutcome.REJECTED
    judged = {each.verdict.code for each in history if not each.verdict.passed}
    if ending.code == _ON_ORDER or ending.code in _SPENT | judged:
        return LessonOutcome.FAILED
    return None


def _taught(task: Task, plan: Plan | None, history: Sequence[Judged], ending: Ending) -> Iterator[Lesson]:
    if plan is not None:
        yield from _of_plan(task, plan, history, ending)
    yield from _rejected(task, history)
    yield from _refused_libraries(history, plan)
    tries = [each for each in history if each.gate == _QUALITY and each.verdict.code != REPEATED]
    yield from _fixes(tries, plan)
    yield from _failures(history, plan)


def _of_plan(task: Task, plan: Plan, history: Sequence[Judged], ending: Ending) -> Iterator[Lesson]:
    outcome = verdict_on(history, ending)
    if outcome is None:
        return
    end = f"{ending.status} ({ending.code})" if ending.code else ending.status
    said = line(ending.message, 400) if ending.message and outcome is not LessonOutcome.WORKED else ""
    text = f"Asked: {line(task.request.text, 200)}\nApproach: {line(plan.approach, 500)}\nEnd: {end}. {said}"
    kind = LessonKind.FIX if plan.kind is Kind.FIX else LessonKind.APPROACH
    strategy, problem = strategy_of(plan), problem_of(task.request)
    yield Lesson(kind, outcome, plan.title, text, "", ending.at, problem, tuple(sorted(plan.files)), strategy)
    judged = {name: finding.message for name, finding, _ in _packages(history)}
    for name in plan.dependencies[:LIBRARIES_MAX]:
        why = _mentions(name, (plan.approach, *plan.risks)) or line(plan.approach, 300)
        text = f"Taken for: {plan.title}. Why: {why}\n{judged.get(name, '')}\nEnd: {end}. {said}"
        yield Lesson(LessonKind.LIBRARY, outcome, name, text, "", ending.at)


def _refused_libraries(history: Sequence[Judged], plan: Plan | None) -> Iterator[Lesson]:
    """Teach the packages that a plan wanted and could not have."""
    taken = plan.dependencies if plan else ()
    refused = {
        name: (finding, at)
        for name, finding, at in _packages(history)
        if finding.ruling is Ruling.FAIL and name not in taken
    }
    about = f"\nIt was wanted for: {plan.title}" if plan else ""
    for name, (finding, at) in list(refused.items())[:LIBRARIES_MAX]:
        text = f"{finding.message}{about}"
        yield Lesson(LessonKind.LIBRARY, LessonOutcome.FAILED, name, text, "", at)


def _packages(history: Sequence[Judged]) -> Iterator[tuple[str, Finding, datetime]]:
    for each in history:
        if each.gate == _PLAN:
            for finding in each.verdict.findings:
                if name := finding.evidence.get("package", ""):
                    yield name, finding, each.at


def _rejected(task: Task, history: Sequence[Judged]) -> Iterator[Lesson]:
    """Teach the plans that a person sent back."""
    for each in history:
        if each.gate == _PLAN and each.verdict.code in _PEOPLE and each.strategy is not None:
            text = f"Asked: {line(task.request.text, 200)}\n{line(each.verdict.reasons[0].message, 800)}"
            title = f"A plan that touches {', '.join(each.strategy.files[:5]) or 'nothing'}"
            yield Lesson(
                LessonKind.APPROACH,
                LessonOutcome.REJECTED,
                title,
                text,
                "",
                each.at,
                problem_of(task.request),
                each.strategy.files,
                each.strategy,
            )


def _fixes(tries: Sequence[Judged], plan: Plan | None) -> Iterator[Lesson]:
    """Teach what made a failure go away, when the patch passed the gate in the end."""
    proven = max((number for number, each in enumerate(tries) if each.verdict.passed), default=0)
    for before, after in pairwise(tries[: proven + 1]):
        signature = _signature(before)
        if not signature or after.strategy is None or _still(before, after):
            continue
        about = f"Task: {plan.title}\n" if plan else ""
        changed = ", ".join(after.strategy.files[:20])
        text = f"{about}The failure was:\n{_lines(before)}\nIt was gone with a patch of: {changed}"
        title = f"Cured {before.verdict.code}"
        files = after.strategy.files
        yield Lesson(
            LessonKind.FIX,
            LessonOutcome.WORKED,
            title,
            text,
            "",
            after.at,
            signature,
            files,
            after.strategy,
        )


def _failures(history: Sequence[Judged], plan: Plan | None) -> Iterator[Lesson]:
    seen: set[tuple[str, Strategy | None]] = set()
    for each in history:
        signature = _signature(each)
        if not signature or each.gate == _PLAN or (signature, each.strategy) in seen:
            continue
        if len(seen) == FAILURES_MAX:
            return
        seen.add((signature, each.strategy))
        about = f"Task: {plan.title}\n" if plan else ""
        title = f"{each.gate} gate, {each.verdict.code}"
        files = each.strategy.files if each.strategy else ()
        yield Lesson(
            LessonKind.FAILURE,
            LessonOutcome.FAILED,
            title,
            about + _lines(each),
            "",
            each.at,
            signature,
            files,
            each.strategy,
        )


def _signature(judged: Judged) -> str:
    """Return the fingerprint of a gate's no; refusing what is known teaches nothing new."""
    if judged.verdict.passed or judged.verdict.code in _PEOPLE | {REPEATED}:
        return ""
    return signature_of(judged.verdict.reasons)


def _still(before: Judged, after: Judged) -> bool:
    return bool({reason.code for reason in before.verdict.reasons} & {r.code for r in after.verdict.reasons})


def _lines(judged: Judged) -> str:
    rows = (row for reason in judged.verdict.reasons for row in telling_lines(reason.message))
    return "\n".join(dict.fromkeys(rows))


def _mentions(name: str, texts: Iterable[str]) -> str:
    """Return the sentences that name a library."""
    said = (found[0].strip() for text in texts for found in _SENTENCE.finditer(text))
    return line(" ".join(each for each in said if name.casefold() in each.casefold()), 400)
