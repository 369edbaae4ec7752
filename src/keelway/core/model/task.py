"""Who asked for what, where from and how urgently."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Name the kind of trigger that made a request."""

    CLI = "cli"
    API = "api"
    CHAT = "chat"
    WEBHOOK = "webhook"
    CRON = "cron"
    DETECTOR = "detector"
    CI = "ci"
    SELF = "self"


class Severity(StrEnum):
    """Rank how much harm waiting does."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Actor:
    """Identify a person or a part of the system that acts."""

    name: str
    channel: str = "cli"

    def __str__(self) -> str:
        return f"{self.name}@{self.channel}"


@dataclass(frozen=True)
class Person:
    """List a person who may be asked."""

    name: str
    """The one name by which answers of this person are counted."""
    identities: tuple[str, ...] = ()
    """Accounts that are this person's: ``<account id>@<channel>``, and for owner files ``@login`` or an address."""
    groups: tuple[str, ...] = ()
    """Owner groups that the person speaks for, as the owner file writes them, such as ``@harbour/payments``."""
    bot: bool = False
    """The account of a program: it is known, and its answers never count."""


OWNER = Actor("owner")
SYSTEM = Actor("keelway", "system")


@dataclass(frozen=True)
class Request:
    """Hold what somebody or something asked, raw: data, never an instruction to us."""

    text: str
    requested_by: Actor
    requested_at: datetime
    source: Source = Source.CLI
    severity: Severity = Severity.LOW
    hotfix: bool = False
    """Take the fast track: a ``hotfix/`` branch and the shortened windows of the policy."""
    files: tuple[str, ...] = ()
    """Where a detector believes the cause is; a hint, not a scope."""
    fingerprint: str = ""
    """Identity of the production error that made the request, when there is one."""
    evidence: str = ""
    """Log lines or a stack trace, bounded and kept as data."""
    retry_of: str = ""
    """Id of the task that this one tries again."""
    recipe: str = ""
    """Name of the recipe that does the work instead of an agent."""


@dataclass(frozen=True)
class Task:
    """Name the unit that travels the pipeline, in every commit, pull request and log line."""

    id: str
    """A ULID."""
    number: int
    project: str
    request: Request

    @property
    def name(self) -> str:
        """Return the short name that people type, such as ``T-142``."""
        return f"T-{self.number}"


def intent_key(project: str, request: Request) -> str:
    """Return the key under which only one task may be open: the same intent in other words' clothes.

    Case, punctuation and spacing do not matter; a detector's fingerprint outranks the words.
    """
    words = request.fingerprint or " ".join(re.findall(r"\w+", request.text.casefold()))
    return hashlib.sha256(f"{project}\0{words}".encode()).hexdigest()
