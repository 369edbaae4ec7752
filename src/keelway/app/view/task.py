"""One task, from a line in a list to everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keelway.app.view.money import ArtefactView, CapView
from keelway.core.model.usage import UsageTotal
from keelway.core.model.verdict import Finding


@dataclass(frozen=True)
class TaskLine:
    """Show a task in one row."""

    id: str
    name: str
    status: str
    title: str
    stage: str = ""
    risk: str = "low"
    requested_by: str = ""
    source: str = "cli"
    severity: str = "low"
    hotfix: bool = False
    waits_for: str = ""
    """The action that a person is asked about; empty when nobody is asked."""
    paused: bool = False
    abort_by: str = ""
    code: str = ""
    """Reason code of the end."""
    error: str = ""
    iterations: int = 0
    cost_usd: float = 0.0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deployed_at: datetime | None = None
    rolled_back_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Tell whether the task still runs."""
        return self.status not in {"deployed", "failed", "rolled_back", "aborted"}


@dataclass(frozen=True)
class Asked:
    """Show a question to a person and how it was answered."""

    id: str
    task: str
    """Name such as ``T-142``."""
    stage: str
    action: str
    environment: str
    text: str
    asked_at: datetime
    expires_at: datetime | None = None
    answer: str = ""
    answered_by: str = ""
    remarks: str = ""
    answered_at: datetime | None = None
    commands: tuple[str, ...] = ()
    """The exact commands that answer it."""
    digest: str = ""
    """Digest of exactly what a yes allows."""
    about: tuple[str, ...] = ()
    """The same in words: commits, plan version, policy."""
    changed: tuple[str, ...] = ()
    """What differs from the question before about the same action."""
    said: tuple[str, ...] = ()
    """Who has said what until now, when one answer is not enough."""
    needed: tuple[str, ...] = ()
    """Whose yes is still needed, when not anybody's is enough."""


@dataclass(frozen=True)
class Issued:
    """Show a link once; whoever has it can give the answer."""

    path: str
    person: str
    answer: str
    question: str
    digest: str
    expires_at: datetime


@dataclass(frozen=True)
class StageView:
    """Show the latest run of one stage."""

    stage: str
    status: str
    """``waiting``, ``running``, ``passed``, ``held``, ``failed`` or ``undone``."""
    attempt: int = 0
    code: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class GateView:
    """Show what a gate said last."""

    gate: str
    ruling: str
    at: datetime
    findings: tuple[Finding, ...] = ()
    reasons: tuple[Finding, ...] = ()
    """The findings that keep it shut, worst first."""


@dataclass(frozen=True)
class CheckView:
    """Show one check of one commit."""

    name: str
    sha: str
    passed: bool
    examined: int = 0
    detail: str = ""


@dataclass(frozen=True)
class DeploymentView:
    """Show one deployment with its figures."""

    id: str
    task: str
    """Name of the task, empty for a deployment by hand."""
    environment: str
    release: str
    sha: str
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    previous_release: str = ""
    schema_before: int | None = None
    schema_after: int | None = None
    backup: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Happened:
    """Show one event of the audit chain."""

    sequence: int
    at: datetime
    kind: str
    text: str
    """One sentence without control characters."""
    loud: bool
    """Worth a line of its own for somebody who watches."""
    task: str = ""
    stage: str = ""
    attempt: int = 0
    actor: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    hash: str = ""
    """Hash of the event at its place in the chain."""
    previous: str = ""


@dataclass(frozen=True)
class LessonView:
    """Show what a task taught."""

    name: str
    """Name such as ``L-12``."""
    kind: str
    """``library``, ``approach``, ``failure`` or ``fix``."""
    outcome: str
    """``worked``, ``failed`` or ``rejected``."""
    title: str
    text: str
    task: str
    """Name of the task that taught it."""
    asked_by: str
    """Whose request that was."""
    at: datetime
    signature: str = ""
    """Fingerprint of the failure or the request that it answers."""
    files: tuple[str, ...] = ()
    told_at: datetime | None = None
    """When an agent was told last."""


@dataclass(frozen=True)
class TaskView:
    """Show everything about a task."""

    line: TaskLine
    request: str
    branch: str = ""
    pull_request: int | None = None
    commit_sha: str = ""
    retry_of: str = ""
    plan_version: int = 0
    plan: dict[str, Any] | None = None
    stages: tuple[StageView, ...] = ()
    gates: tuple[GateView, ...] = ()
    questions: tuple[Asked, ...] = ()
    checks: tuple[CheckView, ...] = ()
    deployments: tuple[DeploymentView, ...] = ()
    costs: tuple[UsageTotal, ...] = ()
    """By role and agent."""
    caps: tuple[CapView, ...] = ()
    """Of an open task."""
    artefacts: tuple[ArtefactView, ...] = ()
    events: tuple[Happened, ...] = ()
    """The last events, oldest first."""
    lessons: tuple[LessonView, ...] = ()
    """What it taught later tasks."""


@dataclass(frozen=True)
class PlanView:
    """Show the plan of a task and the question about it."""

    task: str
    version: int
    risk: str
    plan: dict[str, Any] | None
    question: Asked | None = None


@dataclass(frozen=True)
class PatchView:
    """Show the patch of a task."""

    task: str
    base_sha: str
    head_sha: str
    patch: str


@dataclass(frozen=True)
class Transcript:
    """Show the end of what was said between Keelway and an agent in one run."""

    run: str
    path: str
    tail: str


@dataclass(frozen=True)
class LogView:
    """Show what the stages of a task said."""

    task: str
    stages: tuple[StageView, ...]
    checks: tuple[CheckView, ...]
    transcripts: tuple[Transcript, ...]
    artefacts: tuple[ArtefactView, ...] = ()
    """What is kept of it, such as whole transcripts and requests to models."""


@dataclass(frozen=True)
class Explanation:
    """Say why a task is where it is and how it goes on."""

    task: str
    status: str
    stage: str
    because: str
    gate: str = ""
    ruling: str = ""
    reasons: tuple[Finding, ...] = ()
    rule: str = ""
    """The setting or rule that decided."""
    next: str = ""
    """What happens next without anybody doing anything."""
    command: str = ""
    """What a person can do."""
