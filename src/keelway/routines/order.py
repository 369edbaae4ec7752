"""What can be ordered besides a task: undoing, rolling back, deploying by hand, one look of the watch."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.model.task import Actor, Task
from keelway.core.model.verdict import Finding


@dataclass(frozen=True)
class Undo:
    """Order the end of a task that did not get through: undo what it did and tell the requester."""

    task: Task
    stage: str
    kind: str
    """``failed`` or ``aborted``."""
    code: str
    message: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class RollbackOrder:
    """Order a release to be taken back after it went live."""

    id: str
    environment: str
    by: Actor
    reason: str
    to_release: str = ""
    """Empty for the best target by evidence."""
    task: Task | None = None
    """The task to undo, when the rollback concerns one."""


@dataclass(frozen=True)
class DeployOrder:
    """Order a commit to be deployed by hand."""

    id: str
    environment: str
    sha: str
    by: Actor


@dataclass(frozen=True)
class WatchOrder:
    """Order one look at a live task."""

    task: Task
    number: int
    deployment: str


@dataclass(frozen=True)
class Looked:
    """State what one look saw and whether there is another one."""

    ruling: str
    message: str
    next_delay_seconds: float = 0.0
    """Zero when the watch is over."""
    roll_back: bool = False


@dataclass(frozen=True)
class Done:
    """State how an order ended."""

    ok: bool
    message: str
    release: str = ""
