"""One checked wire, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Check:
    """State what one look found."""

    name: str
    state: str
    """``ok``, ``warn`` or ``fail``."""
    sentence: str
    next: str = ""
    """The command or action that cures it."""


def ok(name: str, sentence: str) -> Check:
    """Say that a wire holds."""
    return Check(name, OK, sentence)


def warn(name: str, sentence: str, cure: str = "") -> Check:
    """Say that a wire holds, but not as it should."""
    return Check(name, WARN, sentence, cure)


def fail(name: str, sentence: str, cure: str) -> Check:
    """Say that a wire is broken."""
    return Check(name, FAIL, sentence, cure)
