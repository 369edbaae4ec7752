"""What tasks learnt, kept and found again: a part of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from keelway.core.lesson.lesson import Lesson


class LessonBook(Protocol):
    """Keep lessons, a bounded number of them; those that nobody was told for the longest time go first."""

    def learn(self, lessons: Sequence[Lesson], told: Sequence[int] = ()) -> tuple[Lesson, ...]:
        """Keep lessons once per key and return them with their numbers; a newer one replaces its older self.

        Args:
            lessons: what a task taught.
            told: numbers of the lessons that prompts named; they are kept longer for it.
        """
        ...

    def lessons(self, query: str = "", *, task: str = "", limit: int = 20) -> tuple[Lesson, ...]:
        """Return the lessons that hold words of the query, the best first; without a query the newest first.

        The query is text, never a language: no character of it means anything.
        ``task`` is the name of the task that taught them.
        """
        ...

    def lessons_for(self, signature: str, *, limit: int = 20) -> tuple[Lesson, ...]:
        """Return the lessons about one failure or request, the newest first."""
        ...

    def forget_lesson(self, number: int, by: str) -> Lesson:
        """Remove a lesson because a person wants it, and return it.

        Raises:
            YourFault: there is none of this number.
        """
        ...
