"""What can be ordered besides a task: undoing, rolling back, drills, deploying by hand, one look of the watch."""

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
    to_sha: str = ""
    """Commit that is built and tried on the present schema first; empty for a release that was live there."""
    restore: str = ""
    """Id of the backup whose restore, with the loss that was shown, a person accepted; empty for none."""


@dataclass(frozen=True)
class DeployOrder:
    """Order a commit to be deployed by hand."""

    id: str
    environment: str
    sha: str
    by: Actor


@dataclass(frozen=True)
class DriftOrder:
    """Order what drifted to be adopted as it runs, or put back as it is recorded."""

    id: str
    environment: str
    by: Actor
    how: str
    """``adopt`` or ``restore``."""
    reason: str = ""


@dataclass(frozen=True)
class DrillOrder:
    """Order a drill of the way back."""

    id: str
    environment: str
    by: Actor
    parts: tuple[str, ...]
    """Of ``core.release.drill.PARTS``."""


@dataclass(frozen=True)
class BranchOrder:
    """Order a branch and a pull request that would bring git back to a commit; nothing that runs is touched."""

    id: str
    environment: str
    sha: str
    release: str
    by: Actor
    reason: str


@dataclass(frozen=True)
class LandOrder:
    """Order the pull request of a rollback to be merged."""

    id: str
    pull: int
    by: Actor


@dataclass(frozen=True)
class WatchOrder:
    """Order one look at a live task."""

    task: Task
    number: int
    deployment: str
    unseen: str = ""
    """Why nothing could be seen: then this is told, and nothing is looked at."""


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
