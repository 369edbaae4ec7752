"""What the program is started with, and what a prompt says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

APIS = frozenset({"openai-chat", "openai-responses", "anthropic"})

READERS = frozenset({"plan", "review"})
"""Roles that read and answer; every other role may write."""

_HEADER = re.compile(r"(Task|Role|Attempt):\s*(\S*)\s*")


@dataclass(frozen=True)
class Order:
    """Say which model is asked, how, and how often in a turn."""

    api: str
    url: str
    token: str = field(repr=False)
    model: str
    requests_max: int = 100
    tool_calls_max: int = 200


def role_of(prompt: str) -> str:
    """Return the role that the head of a prompt names; nothing below the first other line is looked at."""
    for line in prompt.lstrip().splitlines():
        found = _HEADER.fullmatch(line)
        if not found:
            break
        if found[1] == "Role":
            return found[2].lower()
    return ""
