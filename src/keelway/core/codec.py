"""Turn frozen values into plain JSON and back, so that they can be stored and hashed.

The rules are those of ``cattrs``: dataclasses become objects, tuples become
lists, enums their values, instants ISO 8601 text in UTC.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin

from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.strategies import configure_union_passthrough

T = TypeVar("T")

Json = dict[str, Any] | list[Any] | str | int | float | bool | None
"""What a step may return, a queue may carry and a row may hold."""

_PLAIN = str | int | float | bool | None


def _instant(value: Any, _type: Any) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if instant.tzinfo is None:
        raise ValueError(f"an instant without a time zone: {value!r}")
    return instant.astimezone(UTC)


def _exactly(kind: type[Any]) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _type: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
        return value

    return hook


def _real(value: Any, _type: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    return float(value)


def _listed(kind: Any, converter: Any) -> Callable[[Any, Any], Any]:
    """Take lists only: a text would otherwise become the tuple of its letters."""
    structure = homogenous_tuple_structure_factory(kind, converter)

    def hook(value: Any, wanted: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected a list, got {type(value).__name__}")
        return structure(value, wanted)

    return hook


def _is_listed(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _real)
    converter.register_structure_hook_factory(_is_listed, _listed)
    converter.register_unstructure_hook(StrEnum, str)  # a member is a str, so the hooks of str
    converter.register_structure_hook(StrEnum, lambda value, kind: kind(value))  # would leave it
    converter.register_unstructure_hook(datetime, lambda value: value.astimezone(UTC).isoformat())
    converter.register_structure_hook(datetime, _instant)
    configure_union_passthrough(_PLAIN, converter)
    return converter


_CONVERTER = _converter()


def to_json(value: object) -> Any:
    """Return the plain JSON form of a value, whatever frozen dataclasses it holds."""
    return _CONVERTER.unstructure(value)


def from_json(kind: type[T], plain: Any) -> T:
    """Rebuild a value of ``kind`` from its plain form.

    Raises:
        Exception: whatever ``cattrs`` raises for missing, unknown or mistyped fields.
    """
    return _CONVERTER.structure(plain, kind)


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII only."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text, as ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()
