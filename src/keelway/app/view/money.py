"""What was used and what it cost, by task, role, agent, model or day, and how far the caps are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keelway.core.model.usage import UsageTotal


@dataclass(frozen=True)
class CapView:
    """Show one cap and what was used against it."""

    name: str
    """``stage``, ``task``, ``tokens``, ``day`` or ``project``."""
    setting: str
    unit: str
    used: float
    limit: float
    """What people allowed beyond the setting is part of it."""
    left: float
    sentence: str


@dataclass(frozen=True)
class CostView:
    """Show what was used in a time, line by line and in all."""

    by: tuple[str, ...]
    since: datetime | None
    lines: tuple[UsageTotal, ...]
    """``task`` holds the name of the task."""
    total: UsageTotal = field(default_factory=UsageTotal)


@dataclass(frozen=True)
class ArtefactView:
    """Show something that is kept of a task."""

    name: str
    reference: str
    media_type: str
    size_bytes: int
    at: datetime


@dataclass(frozen=True)
class ArtefactText:
    """Show the content of something that is kept."""

    task: str
    name: str
    reference: str
    text: str
