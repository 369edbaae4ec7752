"""Say by data what the output of a program means.

A path such as ``message.content.*.text`` walks into objects by name and into lists by number, or by ``*``
into all of their entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TEXT, LINES, FILE = "text", "jsonl", "json-file"
FORMATS = frozenset({TEXT, LINES, FILE})

_VALUES_MAX = 10_000


@dataclass(frozen=True)
class Take:
    """Take something from every JSON object that fits."""

    when: dict[str, str] = field(default_factory=dict)
    """Path to the value that has to stand there; all of them have to fit."""
    text: str = ""
    """Path of words of the agent; the last ones count."""
    append: bool = False
    """Whether the words continue those before."""
    session: str = ""
    """Path of the name of the session."""
    error: str = ""
    """Path of what went wrong."""
    input_tokens: str = ""
    """Path of the tokens that were read."""
    output_tokens: str = ""
    """Path of the tokens that were written."""
    cost_usd: str = ""
    """Path of the cost."""
    add: bool = False
    """Whether consumption is that of one step, and has to be added up."""
    tools: str = ""
    """Path; each value that is found there is one call of a tool."""
    stop: str = ""
    """Why the run ended, in our words."""


@dataclass(frozen=True)
class Output:
    """Say how a program tells what it did."""

    format: str = TEXT
    """``text``: the last words are all that is known; ``jsonl``: one JSON object a line; ``json-file``: one
    JSON document in a file of the home, left at the end."""
    file: str = ""
    """Name of that file."""
    take: tuple[Take, ...] = ()


def fits(take: Take, told: Any) -> bool:
    """Tell whether an object is one that something is taken from."""
    return all(wanted in map(plain, values(told, path)) for path, wanted in take.when.items())


def values(told: Any, path: str) -> list[Any]:
    """Return what stands at a path, at most ten thousand values; nothing for an empty path."""
    if not path:
        return []
    found = _walk(told, path.split("."))
    return [value for value, _ in zip(found, range(_VALUES_MAX), strict=False)]


def plain(value: Any) -> str:
    """Return a JSON value as text: what a rule compares with."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _walk(told: Any, names: list[str]) -> Iterator[Any]:
    if not names:
        yield told
        return
    name, *rest = names
    if isinstance(told, dict) and name in told:
        yield from _walk(told[name], rest)
    elif isinstance(told, list) and name == "*":
        for entry in told:
            yield from _walk(entry, rest)
    elif isinstance(told, list) and name.isdigit() and int(name) < len(told):
        yield from _walk(told[int(name)], rest)
