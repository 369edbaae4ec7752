"""Fetch a secret at the moment it is needed, and keep it out of everything that is written down."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from keelway.programs.supervisor.refusal import Refusal
from keelway.programs.supervisor.spec import split_reference

SECRET_BYTES_MAX = 64 * 1024
LINE_CHARACTERS_MIN = 8
HIDDEN = "[secret]"
HINT = "give it to the supervisor's user alone: chmod 600, own user or root as owner"


def resolve(references: Mapping[str, str]) -> dict[str, str]:
    """Read every referenced secret by the name its process knows it under.

    Raises:
        Refusal: 422 with the reference, never the value, when a file is missing, open to others,
            too large, not text, or lacks the key.
    """
    return {name: _one(reference) for name, reference in references.items()}


def hide(text: str, values: Iterable[str]) -> str:
    """Replace every secret in the text, whole or by its longer lines."""
    pieces = {piece for value in values for piece in (value, *_long_lines(value)) if piece}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, HIDDEN)
    return text


def _long_lines(value: str) -> list[str]:
    return [line for line in value.splitlines() if len(line) >= LINE_CHARACTERS_MIN]


def _one(reference: str) -> str:
    path, key = split_reference(reference)
    try:
        text = _private_bytes(path, reference).decode()
    except OSError as error:
        raise _refused(
            reference, f"cannot be opened ({error.strerror})", "check that the file exists"
        ) from None
    except UnicodeDecodeError:
        raise _refused(reference, "is not UTF-8 text", "store text") from None
    value = text.removesuffix("\n").removesuffix("\r") if key is None else _by_key(text, key, reference)
    if "\0" in value:
        raise _refused(reference, "holds a NUL, which no environment can carry", "store text")
    return value


def _private_bytes(path: str, reference: str) -> bytes:
    # O_NONBLOCK: a named pipe in this place must be refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise _refused(reference, "is not a regular file", HINT)
        if facts.st_mode & 0o077:
            raise _refused(reference, f"is open to others (mode {stat.S_IMODE(facts.st_mode):04o})", HINT)
        if facts.st_uid not in {os.geteuid(), 0}:
            raise _refused(reference, f"belongs to another user (uid {facts.st_uid})", HINT)
        data = os.read(descriptor, SECRET_BYTES_MAX + 1)  # a regular file gives all it has in one read
    finally:
        os.close(descriptor)
    if len(data) > SECRET_BYTES_MAX:
        raise _refused(reference, f"is larger than {SECRET_BYTES_MAX} bytes", "store the secret alone")
    return data


def _by_key(text: str, key: str, reference: str) -> str:
    values = [value for name, value in map(_pair, text.splitlines()) if name == key]
    if len(values) != 1:
        found = "has no such key" if not values else "has the key more than once"
        raise _refused(reference, found, "keep exactly one line KEY=value")
    return values[0]


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.strip().removeprefix("export ").partition("=")
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return name.strip(), value[1:-1] if quoted else value


def _refused(reference: str, why: str, hint: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "secret_refused", f"The secret {reference} {why}.", hint)
