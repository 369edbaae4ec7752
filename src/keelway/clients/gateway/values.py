"""Name what the gateway is given and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

OPENAI = "openai"
OPENAI_CHAT = "openai-chat"
OPENAI_RESPONSES = "openai-responses"
ANTHROPIC = "anthropic"
GEMINI = "gemini"
APIS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        OPENAI: (OPENAI_CHAT, OPENAI_RESPONSES),
        OPENAI_CHAT: (OPENAI_CHAT,),
        OPENAI_RESPONSES: (OPENAI_RESPONSES,),
        ANTHROPIC: (ANTHROPIC,),
        GEMINI: (GEMINI,),
    }
)
"""What a provider may be said to speak, and which dialects that means."""

ANY_MODEL = "*"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Price:
    """State what a million tokens cost, in US dollars."""

    input_usd: float
    output_usd: float
    cached_usd: float | None = None
    """Of input that the provider had in its cache; the same as other input when it is not known."""


@dataclass(frozen=True)
class Provider:
    """Describe a model provider and how its key is found."""

    name: str
    api: str
    """One of ``APIS``."""
    url: str
    """What the provider's own SDK takes as its base address."""
    key: Callable[[], str] = field(repr=False)
    """Read the real key; an empty one sends none. It is asked anew for each request."""
    models: tuple[str, ...] = ()
    """Which models may be asked for; empty lets all."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """Prices by model that win over those known; ``*`` stands for every other model."""
    stream_usage: bool = True
    """Whether it takes ``stream_options.include_usage``, by which a chat stream ends with its usage."""
    hosted_tools: bool = False
    """Whether tools that run at the provider, such as its web search, may be used."""


@dataclass(frozen=True)
class Grant:
    """Permit one run of an agent to use one provider; a bound of zero is no bound."""

    task: str
    role: str
    attempt: int
    agent: str
    provider: str
    """The name of a ``Provider``."""
    models: tuple[str, ...] = ()
    """Which models it may ask for; empty lets all that the provider has."""
    cost_usd_max: float = 0.0
    tokens_max: int = 0
    log_path: str = ""
    """Where the requests are logged as JSON lines; empty logs none."""


@dataclass(frozen=True)
class Pass:
    """Hold what a run needs to reach the gateway; it is void once closed."""

    token: str = field(repr=False)
    """Stands where the provider's key would; good for this run only."""
    socket: str
    """A Unix socket for this run alone."""
    url: str
    """The same over loopback TCP, for programs that have no network of their own."""
    apis: tuple[str, ...] = ()
    """What the provider speaks."""


@dataclass(frozen=True)
class Metered:
    """Say what a run has used so far, what runs at this moment included."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """How much of the input came from the provider's cache."""
    cost_usd: float = 0.0
    requests: int = 0
    refused: str = ""
    """Why the gateway said no last: ``cost``, ``tokens``, ``day``, ``project`` or ``revoked``."""
    failure: str = ""
    """How the last request failed at the provider: ``auth``, ``provider`` or ``silent``; empty after a success."""


@dataclass(frozen=True)
class Allowance:
    """Say what may still be spent, in US dollars, as far as the book knows."""

    task_usd: float = math.inf
    day_usd: float = math.inf
    project_usd: float = math.inf


@dataclass(frozen=True)
class Entry:
    """Record one request that reached a provider, for the book of costs."""

    id: str
    """Unique, so that booking it twice can be told from booking two."""
    task: str
    role: str
    attempt: int
    agent: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float
    estimated: bool
    """Whether tokens or price had to be guessed; ``note`` says how."""
    status: int
    """The provider's; 499 when the client left, 504 when the provider was silent, 502 when it was lost."""
    seconds: float
    at: datetime
    """When the request ended."""
    note: str = ""


@dataclass(frozen=True)
class GatewayLimits:
    """Bound what requests may cost the gateway itself."""

    body_bytes_max: int = 32 * MIB
    """Of one request; those of one run that are under way may be twice as large together."""
    header_bytes_max: int = 32 * 1024
    answer_bytes_max: int = 16 * MIB
    event_bytes_max: int = 8 * MIB
    """The largest event of a stream."""
    connections_max: int = 128
    """How many clients may be connected over one socket or the port at a time."""
    requests_max: int = 16
    """How many requests of one run may be under way at a time."""
    upstream_connections_max: int = 100
    connect_seconds_max: float = 15.0
    body_seconds_max: float = 60.0
    """How long a client may take to send its request."""
    silence_seconds_max: float = 300.0
    """How long a provider may send nothing before the request is given up."""
    request_seconds_max: float = 3_600.0
    wait_seconds_max: float = 60.0
    """How long a request waits while others hold what is left of the budget."""
    reserve_tokens_max: int = 4_096
    """How many output tokens are held back for a stream, which can be cut; for a whole answer eight times as many."""
