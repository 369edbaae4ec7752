"""The whole installation: environments, releases, figures, health and the audit chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keelway.app.view.money import CapView
from keelway.app.view.task import Asked, DeploymentView, Happened, TaskLine
from keelway.core.cage.trust import describe
from keelway.core.model.fence import Fence
from keelway.core.model.verdict import Finding
from keelway.core.release.drill import Drill
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
    locks: tuple[LockView, ...] = ()
    """Who keeps deployments out of which environment."""
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
class TagOffer:
    """Offer a tag to go back to."""

    tag: str
    sha: str
    release: str = ""
    """Its release, when one of it is there; otherwise it is built first."""


@dataclass(frozen=True)
class MenuView:
    """Offer the ways back of an environment: A, B, C and D."""

    environment: str
    active: str
    previous: str
    """A: what ran before; empty for nothing."""
    tags: tuple[TagOffer, ...] = ()
    """B: the newest tags; any branch or tag of a protected branch may be named."""
    commits: tuple[str, ...] = ()
    """C: commits that were live here; any commit of a protected branch may be named."""
    targets: tuple[Target, ...] = ()
    """D: the recommended ones, the best evidence first."""


@dataclass(frozen=True)
class DriftView:
    """Show whether an environment is as recorded."""

    environment: str
    ruling: str
    """``pass``, ``hold`` when nobody can know now, or ``fail``."""
    recorded: str
    active: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DrillView:
    """Show the drills of an environment, and whether they let a promotion go on alone."""

    environment: str
    ruling: str
    sentence: str
    drills: tuple[Drill, ...] = ()
    """The newest first."""


@dataclass(frozen=True)
class LockView:
    """Show a lock."""

    environment: str
    by: str
    reason: str
    since: datetime | None
    until: datetime | None
    sentence: str


@dataclass(frozen=True)
class QuarantineView:
    """Show a commit that is barred."""

    sha: str
    task: str
    reason: str
    at: datetime
    revert_sha: str = ""


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
    option: str = "A"
    """Of the menu: ``A`` the release before, ``B`` branch or tag, ``C`` commit, ``D`` a recommended one."""
    said: tuple[str, ...] = ()
    """Every step in words, in order."""
    undone: tuple[str, ...] = ()
    """The releases that are undone, each with its task, newest first."""
    backup: str = ""
    """The backup that was taken before the oldest of them."""
    backup_at: datetime | None = None
    at_stake: str = ""
    """What a restore of that backup would lose now, whether or not the way needs one."""
    otherwise: str = ""
    """What comes next when this way does not work."""


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
