"""Gather what an answer says about its own size, and guess soberly where it says nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

BYTES_A_TOKEN = 4
COUNT_MAX = 1_000_000_000

_LONG_CHARS = 2_000
_ENCODED = re.compile(r"(?:data:[\w/+.;=-]{1,100},)?[A-Za-z0-9+/=_-]{256}")
_ENCODED_BYTES = 6_000
"""What an encoded picture or file is taken for; its length in characters says little about its tokens."""
_CONTEXT = ("service_tier", "speed")
_FORM = frozenset({"type", "role", "id", "call_id", "status", "index", "signature", "thoughtSignature"})
"""What belongs to the form of an answer, not to what the model said."""


@dataclass(frozen=True)
class Tokens:
    """Count the tokens of one request; ``input`` holds what was read from or written to the cache."""

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0
    """Input that was written to the provider's cache, which some charge more for."""
    written_hour: int = 0
    """The part of ``written`` that is kept for an hour, which costs still more."""


@dataclass(slots=True, eq=False)
class Seen:
    """Hold what has been read of one answer so far; -1 where nothing was said."""

    input: int = -1
    output: int = -1
    cached: int = 0
    written: int = 0
    written_hour: int = 0
    text_bytes: int = 0
    """How much the model has said."""
    model: str = ""
    context: dict[str, str] = field(default_factory=dict)
    """What the price may depend on besides the tokens."""
    error: str = ""
    """What the provider called wrong within a stream."""
    done: bool = False
    """Whether the model has said all that it will."""

    def know(self, payload: dict[str, Any], model: str = "model") -> None:
        """Note which model answers, on what terms, and an error."""
        name = payload.get(model)
        if isinstance(name, str) and name:
            self.model = name[:200]
        for term in _CONTEXT:
            value = payload.get(term)
            if isinstance(value, str) and value:
                self.context[term] = value[:50]
        error = payload.get("error")
        if error:
            message = error.get("message") if isinstance(error, dict) else error
            self.error = str(message or "an error without a message")[:500]

    def tokens(self, prompt_tokens: int, *, whole: bool) -> tuple[Tokens, str]:
        """Return the tokens and, when they had to be guessed, why.

        Args:
            prompt_tokens: the guess for the input.
            whole: whether the answer came to its end.
        """
        guess, why = -(-self.text_bytes // BYTES_A_TOKEN), []
        given, made = self.input, self.output
        if given <= 0:
            given = prompt_tokens
            why.append("input")
        if made < 0 or not (whole or self.done) or (made == 0 and self.text_bytes):
            made = max(made, guess)
            why.append("output")
        cached = min(self.cached, given)
        written = min(self.written, given - cached)
        tokens = Tokens(given, made, cached, written, min(self.written_hour, written))
        note = f"{' and '.join(why)} guessed at a token for every {BYTES_A_TOKEN} bytes" if why else ""
        return tokens, note


def count(value: Any) -> int:
    """Return a number of tokens as a provider states it, -1 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= COUNT_MAX:
        return -1
    return int(value)


def counted(table: Any, name: str) -> int:
    """Return a number of tokens out of a table, 0 when it is not there."""
    return max(0, count(table.get(name))) if isinstance(table, dict) else 0


def table(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list, or none for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text_bytes(value: Any) -> int:
    """Return how many bytes of text a plain JSON value holds; encoded files count as one picture."""
    return _weigh(value, frozenset())


def said_bytes(value: Any) -> int:
    """Return how many bytes of text the model itself has written into a piece of an answer."""
    return _weigh(value, _FORM)


def _weigh(value: Any, skipped: frozenset[str]) -> int:
    total, stack = 0, [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            total += _weight(item)
        elif isinstance(item, dict):
            stack.extend(part for name, part in item.items() if name not in skipped)
        elif isinstance(item, list):
            stack.extend(item)
    return total


def prompt_tokens(body: dict[str, Any]) -> int:
    """Guess how many tokens a request brings: text, and names in what tools are described by."""
    names = len(body) + sum(len(str(tool)) for tool in rows(body.get("tools"))) // 2
    return -(-(text_bytes(body) + names) // BYTES_A_TOKEN)


def _weight(text: str) -> int:
    if len(text) > _LONG_CHARS and _ENCODED.match(text):
        return min(len(text), _ENCODED_BYTES + len(text) // 50)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
