"""What models and agents used: one entry for each request or run, and the sums of many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class UsageSource(StrEnum):
    """Say who counted."""

    METERED = "metered"
    """We did, in the gateway, request by request."""
    REPORTED = "reported"
    """The agent did, once for a whole run."""


@dataclass(frozen=True)
class UsageEntry:
    """Hold what one request to a model, or one run of an agent, used."""

    key: str
    """Idempotency key: an entry whose key is booked already is not booked again."""
    task: str
    """Id, number or name of the task; empty for use that belongs to none."""
    role: str
    attempt: int
    at: datetime
    source: UsageSource = UsageSource.METERED
    stage: str = ""
    """Stage that ran; empty for the one that the task is in."""
    agent: str = ""
    provider: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """How many of the input tokens came from the provider's cache."""
    cost_usd: float = 0.0
    estimated: bool = False
    """The price or the tokens are a guess."""
    counted: bool = True
    """Part of what the task cost; a report about a run that was metered is kept beside it only."""
    status: str = ""
    """How the request or the run ended."""
    seconds: float = 0.0


@dataclass(frozen=True)
class UsageTotal:
    """Sum up the entries that have something in common; what they were not grouped by is empty."""

    task: str = ""
    role: str = ""
    agent: str = ""
    model: str = ""
    day: str = ""
    """Day in UTC, such as ``2026-01-31``."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    """What counts: metered where it was metered, else reported."""
    metered_tokens: int = 0
    metered_usd: float = 0.0
    reported_tokens: int = 0
    """What the agents themselves say, also about runs that were metered."""
    reported_usd: float = 0.0
    estimated_usd: float = 0.0
    """The part of the cost that is a guess."""
    requests: int = 0
    """Metered requests to a model."""
    runs: int = 0
    """Runs of agents."""


GROUPS = ("task", "role", "agent", "model", "day")
"""What usage can be summed up by."""
