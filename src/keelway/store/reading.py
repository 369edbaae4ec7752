"""Read stored JSON that a newer version may have written: unknown fields are passed over, missing ones default."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from keelway.core.codec import from_json

T = TypeVar("T")


def lenient(kind: type[T], plain: Any) -> T:
    """Rebuild a frozen value from its stored form.

    A field that this code does not know is ignored, so that a database which a newer and still
    compatible version has written stays readable; a field that is not there takes its default.

    Raises:
        Exception: whatever ``cattrs`` raises for a missing field without a default or a wrong type.
    """
    return from_json(kind, _known(kind, plain))


def _known(kind: Any, plain: Any) -> Any:
    if not (is_dataclass(kind) and isinstance(plain, dict)):
        return plain
    return {
        name: _known(inner, plain[name])
        for name, inner in _hints(cast("Hashable", kind)).items()
        if name in plain and (plain[name] is not None or _nullable(inner))
    }


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    known: Any = kind
    hints = get_type_hints(known)
    return {item.name: hints[item.name] for item in fields(known)}


def _nullable(kind: Any) -> bool:
    return kind is Any or type(None) in getattr(kind, "__args__", ())
