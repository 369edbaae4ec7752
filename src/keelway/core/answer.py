"""Read the typed answer of an agent: one JSON object, held strictly against its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from typing import Any, TypeVar

from cattrs import BaseValidationError, ForbiddenExtraKeysError, transform_error

from keelway.core.codec import from_json
from keelway.core.errors import TheirFault

T = TypeVar("T")

_SHOWN_MAX = 10
_START = re.compile(r"\{(?=\s*[\"}])")
_TRIES_MAX = 5_000
"""Places at which an object may begin; a text with more of them is no answer but a flood."""
_READ_CHARS_MAX = 4_000_000
"""So much is read in vain, at all those places together."""


def read_answer(kind: type[T], text: str, noun: str) -> T:
    """Return the last JSON object of an answer as a value of ``kind``.

    Args:
        kind: a frozen dataclass; unknown, missing and mistyped fields are refused.
        text: everything the agent said.
        noun: what the answer is, such as ``plan``; the codes of the errors begin with it.

    Raises:
        TheirFault: ``<noun>_missing`` or ``<noun>_invalid``; the message names every place, what is
            there and what is expected, and can be given back to the agent as it is.
    """
    document, broken = _last_object(kind, text)
    if document is None:
        why = f"no JSON object that can be read; it breaks at {broken}" if broken else "no JSON object."
        raise TheirFault(f"{noun}_missing", f"The answer holds {why}", f"Answer with the {noun} only.")
    try:
        return from_json(kind, document)
    except (BaseValidationError, ValueError, TypeError) as error:
        said = [_turned(line) for line in transform_error(error, format_exception=_why)]
        more = f"; and {len(said) - _SHOWN_MAX} more" if said[_SHOWN_MAX:] else ""
        problems = "; ".join(said[:_SHOWN_MAX])
        raise TheirFault(
            f"{noun}_invalid", f"The {noun} does not fit its schema: {problems}{more}."
        ) from error


def _why(error: BaseException, kind: type | None) -> str:
    """Say what is wrong with one place."""
    match error:
        case KeyError():
            return "missing"
        case ForbiddenExtraKeysError():
            return f"unknown field {', '.join(sorted(error.extra_fields))}"
        case ValueError() if isinstance(kind, type) and issubclass(kind, StrEnum):
            return f"{error}; expected one of {', '.join(member.value for member in kind)}"
        case _:
            return str(error)


def _turned(line: str) -> str:
    """Put the place before the problem."""
    problem, _, place = line.rpartition(" @ ")
    return f"{place}: {problem}"


def _last_object(kind: type[Any], text: str) -> tuple[Any, str]:
    """Return the object that is meant as the answer, or where the last attempt at one breaks.

    An object without any field of the answer is a part of one that breaks, or something quoted.
    """
    known = {entry.name for entry in fields(kind)}
    answer, other, broken = None, None, ""
    for value, error in _objects(text):
        if error is not None:
            broken = _place(error)
        elif known & value.keys():
            answer, broken = value, ""
        else:
            other = value
    return (None, broken) if answer is None and broken else (answer or other, "")


def _objects(text: str) -> Iterator[tuple[dict[str, Any], json.JSONDecodeError | None]]:
    decoder, after, in_vain = json.JSONDecoder(), 0, 0
    for tries, start in enumerate(_START.finditer(text)):
        if tries >= _TRIES_MAX or in_vain > _READ_CHARS_MAX:
            return
        if start.start() < after:
            continue
        try:
            value, after = decoder.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            in_vain += error.pos - start.start()
            yield {}, error
        except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
            return
        else:
            yield value, None


def _place(error: json.JSONDecodeError) -> str:
    return f"line {error.lineno}, column {error.colno}: {error.msg}."
