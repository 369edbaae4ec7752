"""What a model is to say and do, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Read:
    """Read a file."""

    path: str


@dataclass(frozen=True)
class Write:
    """Write a whole file."""

    path: str
    text: str


@dataclass(frozen=True)
class Edit:
    """Replace whole lines that stand once in a file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Run:
    """Run a shell command."""

    command: str


@dataclass(frozen=True)
class Plan:
    """Note the steps of the work with the agent's own tool for it."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Give a typed result: by the tool ``final_result``, or as JSON where no such tool is offered."""

    value: Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """Call a tool by its name, offered or not."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Finish:
    """End the work, by the agent's own tool for it where there is one."""


Intent = Read | Write | Edit | Run | Plan | Answer | Call | Finish


@dataclass(frozen=True)
class Usage:
    """Hold what a turn claims to have used; ``cached`` is part of ``input``."""

    input: int = 1000
    output: int = 50
    cached: int = 0


@dataclass(frozen=True)
class Trouble:
    """Say how a turn goes wrong: a ``status``, or silence (``hang``) or a broken line (``cut``) after some pieces."""

    status: int = 0
    hang: bool = False
    cut: bool = False
    pieces: int = 0
    """Pieces of the answer that arrive before a hang or a cut."""
    times: int = 0
    """Requests that fail before one succeeds; 0: all of them."""
    retry_after_seconds: int | None = None


def refuse(status: int, *, times: int = 0, retry_after_seconds: int | None = None) -> Trouble:
    """Return the trouble of an answer with an error status."""
    return Trouble(status=status, times=times, retry_after_seconds=retry_after_seconds)


def hang(*, pieces: int = 0, times: int = 0) -> Trouble:
    """Return the trouble of a model that falls silent, at once or after some pieces of its answer."""
    return Trouble(hang=True, pieces=pieces, times=times)


def cut(*, pieces: int = 2, times: int = 0) -> Trouble:
    """Return the trouble of a line that breaks in the middle of an answer."""
    return Trouble(cut=True, pieces=pieces, times=times)


@dataclass(frozen=True)
class Turn:
    """Hold one answer of the model."""

    say: str = ""
    does: tuple[Intent, ...] = ()
    usage: Usage = field(default_factory=Usage)
    trouble: Trouble | None = None
    echo_key: bool = False
    """Say the key that the request carried, as a model might that was made to."""
    verbatim: bool = False
    """Say the text alone, without the turn's number before it."""
    wait_seconds: float = 0
    """Think that long before the first byte."""
    pace_seconds: float = 0
    """Rest that long between two pieces of a stream."""


@dataclass(frozen=True)
class Script:
    """Hold the turns of one play and say to which requests it is played."""

    turns: tuple[Turn, ...]
    name: str = "play"
    model: str = ""
    """Play it to this model's requests only."""
    when: str = ""
    """Play it only where this stands in the instructions or in what the user said."""
    plain: bool = False
    """Play it to requests without tools too; else those get a short text, as titles are asked for that way."""
    workspace: str = ""
    """Folder that relative paths are below, for agents which want absolute ones and do not say where they are."""
    after: Turn = field(default_factory=lambda: Turn("Nothing is left to do."))
    """Said when all turns are over."""
