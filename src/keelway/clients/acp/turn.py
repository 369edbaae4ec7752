"""Hold the plain values of one turn: how to start the agent, what it is told, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
    REFUSED = "refused"
    AUTH_ERROR = "auth_error"
    PROVIDER_ERROR = "provider_error"
    PROTOCOL_ERROR = "protocol_error"
    CRASHED = "crashed"
    NOT_STARTED = "not_started"


@dataclass(frozen=True)
class Launch:
    """Say how an agent is started and where its runs are kept."""

    name: str
    argv: tuple[str, ...]
    run_root: str
    """Folder for private homes, transcripts and the record of live processes."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Everything the agent may see; nothing is inherited."""
    redact: tuple[str, ...] = field(default=(), repr=False)
    """Values that never appear in a transcript or a result."""


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
    """Hold what the agent says it consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Turn:
    """Say how a turn went, as seen on the wire."""

    stop: End
    text: str = ""
    usage: Spent = Spent()
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
    """Say whether an agent starts and speaks the protocol."""

    answers: bool
    agent: str = ""
    version: str = ""
    detail: str = ""


class Broken(Exception):
    """End a turn for a reason that came over the wire."""

    def __init__(self, end: End, detail: str) -> None:
        super().__init__(detail)
        self.end = end
        self.detail = detail
