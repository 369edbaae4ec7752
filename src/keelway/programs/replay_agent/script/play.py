"""Hold a script: which plays there are and which one answers a prompt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LEARNT = re.compile(
    r"^[^\n]*What earlier tasks learnt[^\n]*\n+(~{3,})[^\n]*\n.*?\n\1", re.DOTALL | re.MULTILINE
)
"""What a prompt tells of other tasks: their words must not choose a play."""

_HEADER = re.compile(r"^(Task|Role|Attempt):[ \t]*(.*?)[ \t]*$")


@dataclass(frozen=True)
class Step:
    """Tell one thing that the agent does."""

    do: str
    fields: dict[str, Any]
    delay_seconds: float = 0.0
    if_allowed: bool = False


@dataclass(frozen=True)
class Play:
    """Tell what the agent does in one turn, and when this play is chosen."""

    number: int
    """Place in the script, from 0."""
    steps: tuple[Step, ...]
    match: str = ""
    role: str = "*"
    attempt: int | None = None
    times: int | None = None
    """How often it may be played for one task; None is no bound."""
    stop: str = "end_turn"


@dataclass(frozen=True)
class Cue:
    """Hold what the head of a prompt says about the run."""

    task: str
    role: str
    attempt: int
    text: str


@dataclass(frozen=True)
class Script:
    """Hold the plays in their order."""

    plays: tuple[Play, ...]

    def choose(self, cue: Cue, played: Callable[[int], int]) -> Play | None:
        """Return the first play that fits, or None; ``played`` counts earlier turns of a play."""
        for play in self.plays:
            exhausted = play.times is not None and played(play.number) >= play.times
            if not exhausted and _fits(play, cue):
                return play
        return None


def read_cue(prompt: str) -> Cue:
    """Read the lines ``Task:``, ``Role:`` and ``Attempt:`` at the head of a prompt; all may be absent."""
    head: dict[str, str] = {}
    for line in prompt.lstrip().splitlines():
        found = _HEADER.match(line)
        if not found:
            break
        head.setdefault(found[1], found[2])
    number = head.get("Attempt", "")
    attempt = int(number) if re.fullmatch("[0-9]{1,9}", number) else 1
    said = _LEARNT.sub("", prompt)
    return Cue(head.get("Task", ""), head.get("Role", "").lower(), attempt, said.casefold())


def _fits(play: Play, cue: Cue) -> bool:
    if play.role not in {"*", cue.role} or play.attempt not in {None, cue.attempt}:
        return False
    words = play.match.casefold().split()
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", cue.text) for word in words)
