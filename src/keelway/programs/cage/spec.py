"""What the programs that become a command have in common: how they are told, and limits of resources.

They live for milliseconds, most of which are imports: they do without pathlib, typing and dataclasses.
"""

from __future__ import annotations

import json
import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PREFIX = "KEELWAY_CAGE_"


def read_spec() -> dict[str, Any]:
    """Return the specification, JSON in the environment in parts named ``KEELWAY_CAGE_0`` and so on.

    The environment of a process, unlike its arguments, is no business of other users.
    """
    parts: list[str] = []
    while (part := os.environ.get(f"{_PREFIX}{len(parts)}")) is not None:
        parts.append(part)
    found: dict[str, Any] = json.loads("".join(parts))
    return found


def hold(limits: dict[str, int]) -> None:
    """Lower resource limits by name; one that already is lower stays."""
    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def write(path: str, text: str) -> None:
    """Write a short text to a file."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
