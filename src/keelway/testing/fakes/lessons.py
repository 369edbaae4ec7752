"""Lessons in memory, found by the same words in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from keelway.core.errors import YourFault
from keelway.core.lesson.find import found_in
from keelway.core.lesson.lesson import Lesson, bounded
from keelway.core.lesson.terms import QUERY_TERMS_MAX, terms
from keelway.ports.lessons import LessonBook


class FakeLessonBook:
    """Keep lessons until the test ends."""

    def __init__(self, lessons_max: int = 5_000) -> None:
        self._lessons_max = lessons_max
        self._kept: dict[str, Lesson] = {}
        self._last = 0

    def learn(self, lessons: Sequence[Lesson], told: Sequence[int] = ()) -> tuple[Lesson, ...]:
        """Keep lessons once per key; a newer one replaces its older self."""
        keys = [self._keep(bounded(lesson)) for lesson in lessons]
        for key, lesson in self._kept.items():
            if lesson.number in told:
                self._kept[key] = replace(lesson, told_at=datetime.now(UTC))
        while len(self._kept) > self._lessons_max:
            del self._kept[min(self._kept, key=lambda key: _last_useful(self._kept[key]))]
        return tuple(self._kept[key] for key in dict.fromkeys(keys) if key in self._kept)

    def lessons(self, query: str = "", *, task: str = "", limit: int = 20) -> tuple[Lesson, ...]:
        """Return the lessons that hold words of the query, or the newest."""
        about = [lesson for lesson in self._newest() if task in {"", lesson.task}]
        if not query.strip():
            return tuple(about[:limit])
        return found_in(about, terms(query, QUERY_TERMS_MAX))[:limit]

    def lessons_for(self, signature: str, *, limit: int = 20) -> tuple[Lesson, ...]:
        """Return the lessons about one failure or request."""
        return tuple(each for each in self._newest() if signature and each.signature == signature)[:limit]

    def forget_lesson(self, number: int, by: str) -> Lesson:  # noqa: ARG002
        """Remove a lesson.

        Raises:
            YourFault: there is none of this number.
        """
        for key, lesson in self._kept.items():
            if lesson.number == number:
                return self._kept.pop(key)
        raise YourFault("unknown_lesson", f"There is no lesson L-{number}.", "keelway lessons")

    def _keep(self, lesson: Lesson) -> str:
        known = self._kept.get(lesson.key)
        if known is None:
            self._last += 1
            self._kept[lesson.key] = replace(lesson, number=self._last, told_at=None)
        elif known.at < lesson.at:
            self._kept[lesson.key] = replace(lesson, number=known.number, told_at=known.told_at)
        return lesson.key

    def _newest(self) -> list[Lesson]:
        return sorted(self._kept.values(), key=lambda each: (each.at, each.number), reverse=True)


def _last_useful(lesson: Lesson) -> tuple[datetime, int]:
    return lesson.told_at or lesson.at, lesson.number


_check: type[LessonBook] = FakeLessonBook
