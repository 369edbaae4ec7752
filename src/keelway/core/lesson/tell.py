"""How lessons are told to an agent: one line each, with where it is from, and never more than it can read."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.core.lesson.lesson import Lesson, LessonKind, LessonOutcome
from keelway.core.lesson.strategy import Strategy, is_repeat
from keelway.core.words.text import line

TOLD_MAX = 8
"""So many lessons go into one prompt."""
LINE_CHARS_MAX = 700

_OF_PLANS = frozenset({LessonKind.APPROACH, LessonKind.FIX})
_ENDED = {
    LessonOutcome.WORKED: "worked",
    LessonOutcome.FAILED: "failed",
    LessonOutcome.REJECTED: "a person rejected",
}


def chosen(*lists: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """Return the lessons of several searches once each, as many as a prompt holds; the first search goes first."""
    found: dict[int, Lesson] = {}
    for each in lists:
        for lesson in each:
            found.setdefault(lesson.number, lesson)
    return tuple(found.values())[:TOLD_MAX]


def told(lessons: Iterable[Lesson]) -> tuple[str, ...]:
    """Return one line a lesson: its number, its task, when, whose wish, how it ended, what it says."""
    return tuple(line(_said(lesson), LINE_CHARS_MAX) for lesson in lessons)


def failing(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """Return the lessons whose way failed or was rejected and has not worked since, the oldest first."""
    ordered = sorted(lessons, key=lambda each: (each.at, each.number))
    return tuple(
        lesson
        for number, lesson in enumerate(ordered)
        if lesson.strategy is not None
        and lesson.outcome is not LessonOutcome.WORKED
        and not any(_cures(later, lesson.strategy) for later in ordered[number + 1 :])
    )


def repeated(strategy: Strategy, lessons: Iterable[Lesson]) -> Lesson | None:
    """Return the newest lesson that says that this way failed, ``None`` when none does."""
    same = [
        lesson
        for lesson in failing(lessons)
        if lesson.strategy is not None
        and (strategy.content or lesson.kind in _OF_PLANS)
        and is_repeat(strategy, (lesson.strategy,))
    ]
    return same[-1] if same else None


def _cures(later: Lesson, strategy: Strategy) -> bool:
    if later.strategy is None or later.outcome is not LessonOutcome.WORKED:
        return False
    return is_repeat(strategy, (later.strategy,))


def account_of(lesson: Lesson) -> str:
    """Say who tried the same before and how it ended."""
    ended = "was rejected by a person" if lesson.outcome is LessonOutcome.REJECTED else "failed"
    said = f"{line(lesson.title)}. {line(lesson.text, LINE_CHARS_MAX)}"
    return f"This is what {lesson.task} tried on {lesson.at:%Y-%m-%d}, and it {ended} ({lesson.name}): {said}"


def refusal(lesson: Lesson) -> str:
    """Say to an agent why what it did is not tried again."""
    return f"{account_of(lesson)} Do it in another way."


def _said(lesson: Lesson) -> str:
    whose = f", asked by {lesson.asked_by}" if lesson.asked_by else ""
    origin = f"{lesson.name} from {lesson.task}, {lesson.at:%Y-%m-%d}{whose}"
    return f"{origin}: {lesson.kind.value} that {_ENDED[lesson.outcome]}: {lesson.title}. {lesson.text}"
