"""Any coding agent: it gets an assignment in a private workspace and makes an effort."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from keelway.core.model.fence import Fence


class Stop(StrEnum):
    """Say why an agent run ended; a closed set."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    LIMIT_WALL = "limit_wall"
    LIMIT_SILENCE = "limit_silence"
    LIMIT_TOKENS = "limit_tokens"
    LIMIT_COST = "limit_cost"
    LIMIT_TOOLS = "limit_tools"
    LIMIT_OUTPUT = "limit_output"
    LIMIT_RESOURCES = "limit_resources"
    """Memory, processes or disk of the cage."""
    REFUSED = "refused"
    AUTH_ERROR = "auth_error"
    PROVIDER_ERROR = "provider_error"
    PROTOCOL_ERROR = "protocol_error"
    CRASHED = "crashed"
    NOT_STARTED = "not_started"


@dataclass(frozen=True)
class AgentLimits:
    """Bound one run; a limit of zero is no limit where the unit is tokens or money."""

    wall_seconds: float = 1_200.0
    silence_seconds: float = 300.0
    grace_seconds: float = 2.0
    tool_calls_max: int = 200
    output_bytes_max: int = 20_000_000
    tokens_max: int = 0
    cost_usd_max: float = 0.0


@dataclass(frozen=True)
class Assignment:
    """Tell an agent what to do and where."""

    task: str
    """Short name, such as ``T-142``."""
    role: str
    attempt: int
    workspace: str
    """Absolute path of the private workspace; empty for a run that needs none."""
    prompt: str
    limits: AgentLimits = AgentLimits()
    writes: bool = True
    """Whether edits are permitted; a planner or reviewer gets ``False``."""
    protected: tuple[str, ...] = ()
    """Path patterns for which permission to write is refused."""


@dataclass(frozen=True)
class Usage:
    """Hold what a run consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Effort:
    """Say what a run did; never proof of success, which is our own diff and our own checks."""

    stop: Stop
    text: str
    """The agent's final words, bounded: data, not instructions."""
    usage: Usage = Usage()
    """What the agent itself reports."""
    metered: Usage | None = None
    """What we counted request by request; ``None`` when nothing was between the agent and its model."""
    tool_calls: int = 0
    permissions_refused: int = 0
    transcript: str = ""
    """Path of the redacted protocol transcript (JSON lines)."""
    seconds: float = 0.0
    exit_code: int | None = None
    agent: str = ""
    """Name and version as the agent states them."""
    detail: str = ""

    @property
    def spent(self) -> Usage:
        """Return what is booked: what was counted if anybody counted, else what the agent reports."""
        return self.usage if self.metered is None else self.metered


@dataclass(frozen=True)
class Record:
    """Hold one text that a run left: its transcript, its requests to a model, its complaints."""

    name: str
    """File name, such as ``transcript.jsonl``."""
    text: str
    """Redacted and bounded."""


@dataclass(frozen=True)
class AgentFacts:
    """Say whether an agent can be driven from here."""

    name: str
    installed: bool
    version: str = ""
    detail: str = ""


class Agent(Protocol):
    """Drive one coding agent.

    ``work`` may be repeated for the same (task, role, attempt) after a crash: it first ends
    what an earlier run left behind.
    """

    def probe(self) -> AgentFacts:
        """Find out whether the agent is installed and starts."""
        ...

    def fence(self) -> Fence:
        """Say what stands between the agent and this machine; cheap enough to be asked before every run."""
        ...

    def work(self, assignment: Assignment) -> Effort:
        """Carry out an assignment and return when the agent has ended, whatever the reason."""
        ...

    def record(self, task: str, role: str, attempt: int) -> tuple[Record, ...]:
        """Return what a run left in writing, redacted and bounded; nothing when it was elsewhere."""
        ...

    def reap(self) -> int:
        """End what runs of a control plane that died left behind; return how many runs those were."""
        ...

    def cancel(self, task: str) -> bool:
        """End the runs of a task now; tell whether there was one."""
        ...
