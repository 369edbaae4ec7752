"""What a request asks and what it gets, in no dialect's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.agents.model_server.script import Usage

PIECE_LETTERS = 24
_PLACE = re.compile(
    r"(?:working(?: in the)? directory(?: is)?:?\s*|<cwd>\s*)[`'\"]?(/[^\s<`'\"]*)", re.IGNORECASE
)


@dataclass(frozen=True)
class Tool:
    """Hold a tool that the agent offers."""

    name: str
    schema: Mapping[str, Any]
    kind: str = "function"
    """``function``, ``custom`` (takes text) or ``local_shell``."""


@dataclass(frozen=True)
class Said:
    """Hold one earlier turn of the model."""

    text: str
    called: bool


@dataclass(frozen=True)
class Asked:
    """Hold a request."""

    model: str
    stream: bool
    tools: tuple[Tool, ...]
    said: tuple[Said, ...]
    results: tuple[str, ...]
    """What the tools gave, in order."""
    instructions: str
    """The system's and the user's words."""
    opening: str
    """The first words of the user: what tells conversations apart."""
    schema: Mapping[str, Any] | None = None
    """What the answer's JSON must look like, where it was said."""
    counts_usage: bool = True
    """Whether a stream is to end with the usage."""

    @property
    def place(self) -> str:
        """Return the folder the agent says it works in, or nothing."""
        found = _PLACE.search(self.instructions)
        return found[1].rstrip(".") if found else ""


@dataclass(frozen=True)
class ToolCall:
    """Hold a call of a tool; ``arguments`` is text for a custom tool."""

    id: str
    name: str
    arguments: Mapping[str, Any] | str
    kind: str = "function"

    @property
    def text(self) -> str:
        """Return the arguments as they travel."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Reply:
    """Hold an answer."""

    id: str
    model: str
    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    counts_usage: bool = True


class Talk:
    """Collect the turns of a conversation; what the model said without a pause is one turn."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.results: list[str] = []
        self.words: list[str] = []
        self.opening = ""
        self._open = False

    def model(self, text: str, *, called: bool = False) -> None:
        """Add what the model said or called."""
        before = self.said.pop() if self._open and self.said else Said("", called=False)
        self.said.append(Said(before.text + text, called=before.called or called))
        self._open = True

    def user(self, text: str, *, system: bool = False) -> None:
        """Add what was said to the model."""
        self._open = False
        self.words.append(text)
        if not system and not self.opening:
            self.opening = text

    def result(self, text: str) -> None:
        """Add what a tool gave."""
        self._open = False
        self.results.append(text)


def plain(content: object) -> str:
    """Return the text of a content that is text, a part or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return plain(content.get("text") or content.get("content") or content.get("output") or "")
    if isinstance(content, list):
        return "\n".join(filter(None, (plain(part) for part in content)))
    return ""


def pieces(text: str) -> Iterator[str]:
    """Cut a text into the pieces a stream is made of."""
    for start in range(0, len(text), PIECE_LETTERS):
        yield text[start : start + PIECE_LETTERS]


def event(data: Mapping[str, Any] | str, name: str = "") -> bytes:
    """Return a server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
