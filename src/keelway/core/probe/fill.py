"""Fill the placeholders of a question, so that no two askings look alike and nobody can learn the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keelway.core.model.project import FollowUp, ProbeSpec

_PLACE = re.compile(r"\{([a-z]+(?:[.:][A-Za-z0-9_.-]+)?)\}")
_SECRET = "secret:"  # noqa: S105 - the word before the name of one


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace known names in braces; other braces, such as those of JSON, stay."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def secrets_of(spec: ProbeSpec) -> frozenset[str]:
    """Name the secrets that a question needs."""
    texts = [spec.path, spec.send_json, spec.then.path, spec.then.send_json, *spec.send_headers.values()]
    found = {name for text in texts for name in _PLACE.findall(text) if name.startswith(_SECRET)}
    named = {spec.database} if spec.database.startswith(_SECRET) else set()
    return frozenset(name.removeprefix(_SECRET) for name in found | named)


def filled(spec: ProbeSpec, values: Mapping[str, str]) -> ProbeSpec:
    """Return a question with everything filled in that can be before it is asked."""
    return replace(
        spec,
        path=fill(spec.path, values),
        body_contains=fill(spec.body_contains, values),
        body_lacks=fill(spec.body_lacks, values),
        send_json=fill(spec.send_json, values),
        headers={name: fill(text, values) for name, text in spec.headers.items()},
        send_headers={name: fill(text, values) for name, text in spec.send_headers.items()},
        run=tuple(fill(word, values) for word in spec.run),
        then=_filled(spec.then, values),
    )


def following(spec: ProbeSpec, answer: str) -> ProbeSpec:
    """Return the second question of a filled one as a question of its own."""
    then = _filled(spec.then, answered(answer))
    return replace(
        spec,
        path=then.path,
        method=then.method,
        status=then.status,
        body_contains=then.body_contains,
        send_json=then.send_json,
        body_lacks="",
        headers={},
        release="",
        then=FollowUp(),
    )


def _filled(then: FollowUp, values: Mapping[str, str]) -> FollowUp:
    return replace(
        then,
        path=fill(then.path, values),
        body_contains=fill(then.body_contains, values),
        send_json=fill(then.send_json, values),
    )


def answered(text: str) -> dict[str, str]:
    """Return the plain fields of a JSON object by the names that a second question may use."""
    found = parsed(text)
    if not isinstance(found, dict):
        return {}
    return {
        f"answer.{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in found.items()
        if isinstance(value, str | int | float | bool)
    }


def parsed(text: str) -> Any:
    """Read JSON from outside; what is none is nothing."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def field_of(text: str, path: str) -> str | None:
    """Return a field of a JSON answer, such as ``build.release``; None where there is none."""
    found = parsed(text)
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        return found
    return None if found is None else json.dumps(found)
