"""The whole installation: environments, releases, figures, health and the audit chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keelway.app.view.money import CapView
from keelway.app.view.task import Asked, DeploymentView, Happened, TaskLine
from keelway.core.cage.trust import describe
from keelway.core.model.fence import Fence
from keelway.core.release.rollback import Target
from keelway.core.rule.freeze import Freeze


@dataclass(frozen=True)
class ReleaseLine:
    """Show a release as its environment has it."""

    release: str
    sha: str
    state: str
    weight: int = 0
    workers: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class EnvironmentView:
    """Show an environment: what is recorded, and what really runs when that could be asked."""

    name: str
    url: str
    recorded: str = ""
    """The release that the book calls live."""
    task: str = ""
    """The task that brought it."""
    since: datetime | None = None
    asked: bool = False
    """What follows was read from the environment itself."""
    active: str = ""
    healthy: bool = False
    schema: int | None = None
    detail: str = ""
    releases: tuple[ReleaseLine, ...] = ()


@dataclass(frozen=True)
class AlertView:
    """Call for a person."""

    code: str
    message: str


@dataclass(frozen=True)
class WorkerView:
    """Show a process that works on the store."""

    name: str
    host: str
    roles: tuple[str, ...]
    state: str
    """``alive``, ``silent`` when its lease is over, or ``dead`` once another took over its work."""
    heard_at: datetime
    silent_seconds: float = 0.0
    hub: bool = False
    """It is the control plane, which has the branches and the releases."""


@dataclass(frozen=True)
class StatusView:
    """Show the installation at a glance."""

    project: str
    home: str
    running: bool
    """The control plane answered; without it everything shown comes from the book."""
    freeze: Freeze
    counts: dict[str, int] = field(default_factory=dict)
    """Tasks by status."""
    tasks: tuple[TaskLine, ...] = ()
    """Open tasks, then the latest closed ones."""
    questions: tuple[Asked, ...] = ()
    environments: tuple[EnvironmentView, ...] = ()
    alerts: tuple[AlertView, ...] = ()
    workers: tuple[WorkerView, ...] = ()
    """Who works on a store for many; empty where one process does everything."""
    events: tuple[Happened, ...] = ()
    today_usd: float = 0.0
    """What models cost since midnight (UTC)."""
    caps: tuple[CapView, ...] = ()
    """Of the day and of the project, where there are any."""
    fence: Fence | None = None
    """What fences agents on the machine of the control plane; ``None`` where that could not be asked."""

    @property
    def fenced(self) -> str:
        """Say in one sentence what fences agents; empty where nobody could be asked."""
        return describe(self.fence) if self.fence else ""


@dataclass(frozen=True)
class EnvironmentReleases:
    """Show what was deployed to an environment and where it could go back to."""

    environment: str
    active: str
    deployments: tuple[DeploymentView, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class BackPreview:
    """Show what a rollback would do, without doing it."""

    environment: str
    release: str
    """What would be taken back."""
    to_release: str
    steps: tuple[str, ...]
    loses_data: bool
    needs_person: bool
    reason: str
    loss: str = ""


@dataclass(frozen=True)
class DeployPreview:
    """Show what a deployment by hand would bring, without doing it."""

    environment: str
    ref: str
    sha: str
    release: str
    active: str
    """The release that serves now."""

    @property
    def already(self) -> bool:
        """Tell whether it runs there now."""
        return self.release == self.active


@dataclass(frozen=True)
class ProbeView:
    """Show one answer of a running application."""

    name: str
    ok: bool
    latency_ms: float
    status: int = 0
    detail: str = ""


@dataclass(frozen=True)
class HealthView:
    """Show an environment as asked just now."""

    environment: str
    url: str
    ok: bool
    release: str
    probes: tuple[ProbeView, ...]
    detail: str = ""
    requests: int = 0
    """Requests since the front began."""
    errors: int = 0


@dataclass(frozen=True)
class AuditReport:
    """State what a walk over the audit chain found."""

    ok: bool
    examined: int
    bad_sequence: int | None
    sentence: str
    head: str
    signed: int = 0
    """Signed heads that were compared; each has a good signature."""
    signed_to: int = 0
    """Number of the last event that a signature vouches for."""


@dataclass(frozen=True)
class OrderView:
    """Show how far an order is."""

    run: str
    status: str
    """``absent``, ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
    ok: bool | None = None
    """``None`` as long as it runs."""
    message: str = ""
    release: str = ""

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.status in {"absent", "done", "failed", "cancelled"}
