# ruff: noqa: S101, PLR2004 - these are tests, shipped for the authors of ledgers
"""What every book of lessons must do; subclass ``LessonTests`` and provide a fixture ``book`` with an empty one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.errors import YourFault
from keelway.core.lesson.lesson import Lesson, LessonKind, LessonOutcome
from keelway.core.lesson.strategy import Strategy
from keelway.ports.lessons import LessonBook

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

HOSTILE = (
    'xmpp" OR "1"="1',
    "xmpp*",
    "title : xmpp",
    "NEAR(xmpp, 2)",
    "xmpp AND NOT driver",
    "^xmpp",
    "xmpp'; DROP TABLE keel_lessons; --",
    "xmpp & ! driver | <->",
    "xmpp:*",
    "% _ \\ xmpp",
    "(xmpp",
    "{xmpp} : -driver",
    "xmpp \x00 \ud800 \u202e",
    '"""xmpp',
)
"""Queries that would mean something in a search language; here each only asks for its words."""


def some_lesson(title: str = "Add the XMPP driver", **changed: object) -> Lesson:
    """Return a lesson that fills every field."""
    lesson = Lesson(
        kind=LessonKind.APPROACH,
        outcome=LessonOutcome.FAILED,
        title=title,
        text="Approach: use norgul.\nEnd: rolled_back.",
        task="T-1",
        at=NOW,
        signature="request:0123456789abcdef",
        files=("app/xmpp.py", "tests/test_xmpp.py"),
        strategy=Strategy("feat", ("app/xmpp.py",), ("driver", "xmpp"), f"digest of {title}"),
        asked_by="anna@telegram",
    )
    return replace(lesson, **changed)  # type: ignore[arg-type]


class LessonTests:
    """Hold everything that a caller relies on."""

    def test_a_lesson_comes_back_as_it_was(self, book: LessonBook) -> None:
        """Every field survives, and it has a number from then on."""
        (kept,) = book.learn([some_lesson()])
        assert kept == some_lesson(number=1)
        assert kept.name == "L-1"
        assert book.lessons() == book.lessons("xmpp") == book.lessons_for(kept.signature) == (kept,)

    def test_a_lesson_is_kept_once(self, book: LessonBook) -> None:
        """Learning it again changes nothing; a newer end of the same thing replaces the older one."""
        lesson = some_lesson()
        book.learn([lesson, lesson])
        (again,) = book.learn([replace(lesson, text="Something else.")])
        assert again.text == lesson.text
        later = replace(lesson, outcome=LessonOutcome.WORKED, text="It worked.", at=NOW + timedelta(days=1))
        (newer,) = book.learn([later])
        assert (newer.number, newer.outcome, newer.text) == (1, LessonOutcome.WORKED, "It worked.")
        assert book.learn([lesson]) == (newer,)
        assert book.lessons("norgul") == ()
        assert book.lessons("worked") == (newer,)

    def test_what_is_kept_is_bounded_and_harmless(self, book: LessonBook) -> None:
        """Long texts are cut, secrets and invisible characters left out."""
        wild = some_lesson("T\u202e\x00 \ud800", text=f"x{'y' * 9_000}\nkey AKIAIOSFODNN7EXAMPLF")
        (kept,) = book.learn([wild])
        assert len(kept.text) <= 1_500
        assert "AKIA" not in kept.text
        assert kept.title.isprintable()

    def test_the_best_comes_first(self, book: LessonBook) -> None:
        """More of the asked words, rarer words and words in the title count more; equal ones are newest first."""
        lessons = [
            some_lesson("Add a teapot", task="T-2", text="nothing of it", files=()),
            some_lesson("Add a channel", task="T-3", text="the xmpp driver was hard", files=()),
            some_lesson("The xmpp driver", task="T-4", text="it is a channel", files=()),
            some_lesson("Add a pot", task="T-5", at=NOW + timedelta(1), text="nothing of it", files=()),
        ]
        book.learn(lessons)
        assert [each.task for each in book.lessons("xmpp drivers")] == ["T-4", "T-3"]
        assert {each.task for each in book.lessons("make the XMPP driver a channel", limit=2)} == {
            "T-4",
            "T-3",
        }
        assert [each.task for each in book.lessons("nothing of it")] == ["T-5", "T-2"]
        assert len(book.lessons("add", limit=2)) == 2
        assert book.lessons("coffee") == ()

    def test_names_and_paths_are_found_in_parts(self, book: LessonBook) -> None:
        """Words of code are found as people type them."""
        book.learn([some_lesson("Rename the ChannelDriver", files=("app/Http/telegram_bot.php",))])
        for asked in ("channeldriver", "driver", "telegram", "bot", "php", "CHANNEL"):
            assert len(book.lessons(asked)) == 1, asked
        assert book.lessons("drive") == ()

    @pytest.mark.parametrize("query", HOSTILE)
    def test_a_query_is_never_a_language(self, book: LessonBook, query: str) -> None:
        """Whatever is asked finds what holds its words, and nothing is harmed."""
        book.learn([some_lesson(), some_lesson("Brew coffee", task="T-2", text="hot", files=())])
        assert [each.task for each in book.lessons(query)] == ["T-1"]
        assert len(book.lessons()) == 2

    @pytest.mark.parametrize("query", ['"', "'", "*", "()", "-- ;", "\\", "%", "_", "the of", "\x00"])
    def test_a_query_without_words_finds_nothing(self, book: LessonBook, query: str) -> None:
        """It is not taken for a wish to see everything."""
        book.learn([some_lesson()])
        assert book.lessons(query) == ()

    def test_lessons_of_a_task_and_of_a_failure_are_found(self, book: LessonBook) -> None:
        """The newest come first and the limit holds; no fingerprint means no lesson."""
        lessons = [
            some_lesson(f"n{number}", task=f"T-{number % 2}", at=NOW + timedelta(number), strategy=None)
            for number in range(4)
        ]
        book.learn([*lessons, some_lesson("other", signature="", strategy=None)])
        assert [each.title for each in book.lessons(task="T-0")] == ["n2", "n0"]
        assert [each.title for each in book.lessons("n0 n1", task="T-1")] == ["n1"]
        assert [each.title for each in book.lessons_for(some_lesson().signature, limit=3)] == [
            "n3",
            "n2",
            "n1",
        ]
        assert book.lessons_for("") == book.lessons_for("unknown") == ()

    def test_a_person_can_have_one_forgotten(self, book: LessonBook) -> None:
        """It is gone from every search; an unknown number is the person's mistake."""
        first, second = book.learn([some_lesson(), some_lesson("Brew coffee")])
        assert book.forget_lesson(first.number, "anna@cli") == first
        assert book.lessons() == (second,)
        assert book.lessons("xmpp driver", task="T-1") in {(), (second,)}
        for number in (first.number, 99, 0, -1):
            with pytest.raises(YourFault) as caught:
                book.forget_lesson(number, "anna@cli")
            assert caught.value.code == "unknown_lesson"
        (again,) = book.learn([some_lesson()])
        assert again.number > second.number

    def test_what_was_told_is_remembered(self, book: LessonBook) -> None:
        """Unknown numbers are passed over; a renewed lesson keeps the instant."""
        book.learn([some_lesson(), some_lesson("Brew coffee")])
        book.learn([], told=[1, 77, -3, 2**40])
        assert [each.told_at is None for each in sorted(book.lessons(), key=lambda each: each.number)] == [
            False,
            True,
        ]
        (later,) = book.learn([some_lesson(at=NOW + timedelta(days=1))])
        assert later.told_at is not None
