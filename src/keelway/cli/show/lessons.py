"""Lessons in text."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.app.view.task import LessonView
from keelway.cli.show.text import ago, facts, say, table


def lesson_pages(lessons: Iterable[LessonView]) -> None:
    """Print lessons with everything that they say."""
    shown = tuple(lessons)
    for lesson in shown:
        say("", f"{lesson.name}  {lesson.title}", style="bold")
        facts(
            (
                ("what", f"{lesson.kind} that {_ended(lesson)}"),
                ("from", f"{lesson.task}, asked by {lesson.asked_by or 'nobody known'}, {ago(lesson.at)}"),
                ("files", ", ".join(lesson.files)),
                ("told", ago(lesson.told_at)),
            )
        )
        say(*lesson.text.split("\n"))
    if not shown:
        say("No lessons. Tasks teach when they end: keelway tasks")


def taught(lessons: Iterable[LessonView]) -> None:
    """Print what a task taught as rows."""
    rows = [(each.name, each.kind, each.outcome, each.title) for each in lessons]
    if rows:
        say("", "Taught", style="bold")
        table(("LESSON", "KIND", "OUTCOME", "WHAT"), rows)


def forgotten(lesson: LessonView) -> None:
    """Print that a lesson is gone."""
    say(f"{lesson.name} is forgotten: {lesson.title}")


def _ended(lesson: LessonView) -> str:
    return "a person rejected" if lesson.outcome == "rejected" else lesson.outcome
