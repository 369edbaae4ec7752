"""The order in which lessons answer a question: the same whatever database looked them up."""

from __future__ import annotations

from collections.abc import Sequence

from keelway.core.lesson.lesson import Lesson
from keelway.core.lesson.terms import ranked

_TITLE, _FILES, _TEXT = 3.0, 2.0, 1.0
"""How much a word counts by where it is."""


def found_in(lessons: Sequence[Lesson], wanted: Sequence[str]) -> tuple[Lesson, ...]:
    """Return the lessons that hold a wanted term, the best first, of equally good ones the newer first."""
    newest = sorted(lessons, key=lambda lesson: (lesson.at, lesson.number), reverse=True)
    return tuple(ranked([(lesson, _texts(lesson)) for lesson in newest], wanted))


def _texts(lesson: Lesson) -> list[tuple[float, str]]:
    return [(_TITLE, lesson.title), (_FILES, " ".join(lesson.files)), (_TEXT, lesson.text)]
