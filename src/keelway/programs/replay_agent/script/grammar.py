"""State which keys a script, a play and every kind of step may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STEPS_MAX = 1_000
PLAYS_MAX = 1_000
SECONDS_MAX = 86_400.0
FLOOD_BYTES_MAX = 1_000_000_000

ROLES = ("plan", "dev", "review", "ops", "*")
STOPS = ("end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled")
TOOL_KINDS = ("read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other")


@dataclass(frozen=True)
class Field:
    """State what one key may hold."""

    kind: str
    """One of ``text``, ``texts``, ``whole``, ``number``, ``flag``, ``object``, ``steps``."""
    required: bool = False
    default: Any = None
    least: float = 0
    most: float = 1_000_000_000
    choices: tuple[str, ...] = ()
    nullable: bool = False


_TEXT = Field("text", required=True)
_PATH = Field("text", required=True)
_SECONDS = Field("number", required=True, most=SECONDS_MAX)

PLAY: dict[str, Field] = {
    "match": Field("text", default=""),
    "role": Field("text", default="*", choices=ROLES),
    "attempt": Field("whole", least=1, nullable=True),
    "times": Field("whole", least=1, nullable=True),
    "steps": Field("steps", required=True),
    "stop": Field("text", default="end_turn", choices=STOPS),
}

COMMON: dict[str, Field] = {
    "do": _TEXT,
    "delay_seconds": Field("number", default=0.0, most=SECONDS_MAX),
    "if_allowed": Field("flag", default=False),
}

STEPS: dict[str, dict[str, Field]] = {
    "say": {"text": _TEXT},
    "think": {"text": _TEXT},
    "plan": {"entries": Field("texts", required=True), "done": Field("whole", default=0)},
    "read": {"path": _PATH},
    "edit": {"path": _PATH, "text": _TEXT},
    "replace": {"path": _PATH, "old": _TEXT, "new": _TEXT, "count": Field("whole", default=1, least=1)},
    "delete": {"path": _PATH},
    "run": {
        "argv": Field("texts", required=True, least=1),
        "timeout_seconds": Field("number", default=60.0, most=SECONDS_MAX),
    },
    "ask": {
        "title": _TEXT,
        "kind": Field("text", default="edit", choices=TOOL_KINDS),
        "path": Field("text"),
        "argv": Field("texts", least=1),
    },
    "write_outside": {"path": _PATH, "text": _TEXT},
    "usage": {
        "input_tokens": Field("whole", required=True),
        "output_tokens": Field("whole", required=True),
        "cost_usd": Field("number", default=0.0),
    },
    "fail": {
        "code": Field("whole", default=-32603, least=-1_000_000),
        "message": _TEXT,
        "data": Field("object"),
    },
    "hang": {"seconds": _SECONDS, "deaf": Field("flag", default=False)},
    "crash": {"exit_code": Field("whole", default=1, most=255)},
    "spawn_daemon": {"path": _PATH, "seconds": Field("number", default=60.0, most=600.0)},
    "flood": {"bytes": Field("whole", required=True, least=1, most=FLOOD_BYTES_MAX)},
    "no_change": {},
}
