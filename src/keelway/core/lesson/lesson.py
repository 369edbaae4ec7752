"""One thing that a task taught: bounded, without secrets, and always with where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from keelway.core.codec import digest
from keelway.core.lesson.strategy import FILES_MAX, Strategy
from keelway.core.rule.secrets import find_secrets
from keelway.core.words.text import clean, line

TITLE_CHARS_MAX = 160
TEXT_CHARS_MAX = 1_500
_LEFT_OUT = "(a line that held a credential is left out)"


class LessonKind(StrEnum):
    """Name what a lesson is about."""

    LIBRARY = "library"
    """A package that was judged, taken or not."""
    APPROACH = "approach"
    """The way in which a plan wanted to fulfil a request."""
    FAILURE = "failure"
    """What a gate refused, and what was tried when it did."""
    FIX = "fix"
    """What made a failure go away, or was meant to."""


class LessonOutcome(StrEnum):
    """Say how it ended."""

    WORKED = "worked"
    FAILED = "failed"
    """A gate or the numbers of production said no."""
    REJECTED = "rejected"
    """A person said no."""


@dataclass(frozen=True)
class Lesson:
    """Hold one lesson; what it says is data from agents, checks and people."""

    kind: LessonKind
    outcome: LessonOutcome
    title: str
    text: str
    task: str
    """Name of the task that taught it, such as ``T-142``."""
    at: datetime
    signature: str = ""
    """Fingerprint of the failure or the request that it answers."""
    files: tuple[str, ...] = ()
    strategy: Strategy | None = None
    asked_by: str = ""
    """Whose request the task was."""
    number: int = 0
    """Given by the ledger; 0 before."""
    told_at: datetime | None = None
    """When a prompt last named it."""

    @property
    def name(self) -> str:
        """Return the short name that people type, such as ``L-12``."""
        return f"L-{self.number}"

    @property
    def key(self) -> str:
        """Return its identity: told again with another outcome it is the same lesson, newer."""
        what = self.title if self.strategy is None else ""
        return digest([self.task, self.kind, what, self.signature, self.strategy])


def bounded(lesson: Lesson) -> Lesson:
    """Return a lesson as it is kept: plain text, no secrets, no more than the bounds."""
    return replace(
        lesson,
        title=line(_scrubbed(lesson.title), TITLE_CHARS_MAX),
        text=_cut(_scrubbed(clean(lesson.text))),
        files=shown_files(lesson.files),
        asked_by=line(lesson.asked_by),
    )


def shown_files(paths: Sequence[str]) -> tuple[str, ...]:
    """Return paths in order, each one plain line, no more than the bound."""
    return tuple(line(path) for path in sorted(set(paths))[:FILES_MAX])


def _scrubbed(text: str) -> str:
    return "\n".join(_LEFT_OUT if find_secrets(row) else row for row in text.split("\n"))


def _cut(text: str) -> str:
    plain = text.strip()
    return plain if len(plain) <= TEXT_CHARS_MAX else plain[: TEXT_CHARS_MAX - 1].rstrip() + "…"
