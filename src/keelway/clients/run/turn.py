"""Hold the plain values of one turn: what the agent is told, within which bounds, how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_AUTH_WORDS = re.compile(
    r"authenticat|unauthori[sz]ed|api[ _-]?key|\b401\b|not logged in|log in|login required", re.IGNORECASE
)


class End(StrEnum):
    """Say why a turn ended; a closed set."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    LIMIT_WALL = "limit_wall"
    LIMIT_SILENCE = "limit_silence"
    LIMIT_TOKENS = "limit_tokens"
    LIMIT_COST = "limit_cost"
    LIMIT_TOOLS = "limit_tools"
    LIMIT_OUTPUT = "limit_output"
    LIMIT_RESOURCES = "limit_resources"
    REFUSED = "refused"
    AUTH_ERROR = "auth_error"
    PROVIDER_ERROR = "provider_error"
    PROTOCOL_ERROR = "protocol_error"
    CRASHED = "crashed"
    NOT_STARTED = "not_started"


@dataclass(frozen=True)
class Limits:
    """Bound one turn; zero tokens or zero money is no limit."""

    wall_seconds: float = 1_200.0
    silence_seconds: float = 300.0
    grace_seconds: float = 2.0
    tool_calls_max: int = 200
    output_bytes_max: int = 20_000_000
    tokens_max: int = 0
    cost_usd_max: float = 0.0


@dataclass(frozen=True)
class Order:
    """Tell what an agent is to do, and where."""

    task: str
    role: str
    attempt: int
    workspace: str
    """Absolute path, or empty for a turn that needs none."""
    prompt: str
    limits: Limits = Limits()
    writes: bool = True
    protected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spent:
    """Hold what a turn consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Turn:
    """Say how a turn went, as seen on the wire."""

    stop: End
    text: str = ""
    usage: Spent = Spent()
    """What the agent says it consumed."""
    metered: Spent | None = None
    """What the gateway counted; None when the run had none."""
    tool_calls: int = 0
    permissions_refused: int = 0
    transcript: str = ""
    seconds: float = 0.0
    exit_code: int | None = None
    """Set when the agent left by itself; a signal shows as a negative number."""
    agent: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Found:
    """Say whether an agent starts and answers."""

    answers: bool
    agent: str = ""
    version: str = ""
    detail: str = ""


class Broken(Exception):
    """End a turn for a reason that the program, its output or its consumption gave."""

    def __init__(self, end: End, detail: str) -> None:
        super().__init__(detail)
        self.end = end
        self.detail = detail


def cause_of(words: str) -> End:
    """Return what an error means by its words: a wrong key, or anything else at the provider."""
    return End.AUTH_ERROR if _AUTH_WORDS.search(words) else End.PROVIDER_ERROR
