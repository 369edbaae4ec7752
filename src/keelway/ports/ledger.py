"""The book of what happened, and the few projections that decisions need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from keelway.core.consent.quorum import Terms
from keelway.core.model.event import Event, Link
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import Actor, Request, Task
from keelway.core.model.usage import UsageEntry, UsageTotal
from keelway.core.rule.allowance import Spending
from keelway.core.rule.approval import Approval, Binding
from keelway.core.rule.freeze import Freeze
from keelway.ports.lessons import LessonBook


@dataclass(frozen=True)
class TaskRow:
    """Hold a task as it stands."""

    task: Task
    status: Status
    stage: str = ""
    attempt: int = 0
    risk: str = "low"
    plan: dict[str, Any] | None = None
    plan_version: int = 0
    branch: str = ""
    pull_request: int | None = None
    commit_sha: str = ""
    iterations: int = 0
    cost_usd: float = 0.0
    error: str = ""
    code: str = ""
    """Reason code of the end."""
    paused: bool = False
    abort_by: str = ""
    """Who asked to abort; empty when nobody did."""
    rollback_by: str = ""
    """Who asked to roll back while the task was still in observation."""
    deployed_at: datetime | None = None
    rolled_back_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True)
class Question:
    """Hold what a person is asked, and about exactly what."""

    id: str
    task: str
    stage: str
    binding: Binding
    text: str
    asked_at: datetime
    expires_at: datetime | None
    approval: Approval | None = None
    """The answer that closed it."""
    terms: Terms = field(default_factory=Terms)
    """Whose yes it needs."""
    answers: tuple[Approval, ...] = ()
    """What every person said, one answer each, in order."""
    voided_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Tell whether somebody still has to answer."""
        return self.approval is None

    @property
    def said(self) -> tuple[Approval, ...]:
        """Return every answer; a record from before there could be several holds the one that closed it."""
        return self.answers or ((self.approval,) if self.approval else ())


@dataclass(frozen=True)
class Deployment:
    """Record one deployment to one environment."""

    id: str
    task: str
    environment: str
    release: str
    sha: str
    status: str
    """``running``, ``observing``, ``live``, ``superseded``, ``rolled_back`` or ``failed``."""
    epoch: int
    started_at: datetime
    previous_release: str = ""
    previous_sha: str = ""
    schema_before: int | None = None
    schema_after: int | None = None
    backup: str = ""
    finished_at: datetime | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    """Seconds, requests, errors before and after, rows lost: plain JSON."""


@dataclass(frozen=True)
class Quarantine:
    """Bar a commit from every later release that does not also hold its revert."""

    sha: str
    task: str
    reason: str
    at: datetime
    revert_sha: str = ""


@dataclass(frozen=True)
class Lease:
    """Prove the right to act on an environment; a later lease has a higher epoch."""

    environment: str
    holder: str
    epoch: int


class Ledger(LessonBook, Protocol):
    """Read and write the book. Every write is one transaction and leaves its event in the chain."""

    def create(self, request: Request, project: str, key: str) -> tuple[TaskRow, bool]:
        """Open a task for an intent key; the open task and ``False`` when there already is one."""
        ...

    def find(self, task: str) -> TaskRow:
        """Return a task by id, by number or by name such as ``T-142``.

        Raises:
            YourFault: there is none.
        """
        ...

    def tasks(self, *, open_only: bool = False, limit: int = 200) -> tuple[TaskRow, ...]:
        """Return tasks, newest first."""
        ...

    def move(self, task: str, status: Status, **fields: Any) -> TaskRow:
        """Change the status by the lifecycle table, and fields of the row with it.

        Raises:
            OurFault: the transition is not in the table.
        """
        ...

    def amend(self, task: str, **fields: Any) -> TaskRow:
        """Change fields of the row without touching the status."""
        ...

    def record(self, event: Event) -> int:
        """Append an event and return its sequence number; a known key is not recorded twice."""
        ...

    def events(self, *, task: str = "", after: int = 0, limit: int = 1_000) -> tuple[Link, ...]:
        """Return links of the chain in order."""
        ...

    def effect(self, key: str) -> Event | None:
        """Return the ``effect.done`` event of an effect key, when it was done."""
        ...

    def stage(self, task: str, stage: str, attempt: int, status: str, output: dict[str, Any]) -> None:
        """Record a stage run: ``running``, ``passed``, ``held``, ``failed`` or ``skipped``."""
        ...

    def ask(self, question: Question) -> Question:
        """Record a question once per binding and return it with its answers; its terms are those of the last asking."""
        ...

    def answer(self, question: str, approval: Approval) -> Question:
        """Record the one answer of a person to a question; it closes once its terms are met.

        Raises:
            RequestRefused: it is already answered, by anybody or by this person, or it is expired or void, or
                the answer carries a code that was used before.
        """
        ...

    def questions(self, *, task: str = "", open_only: bool = True) -> tuple[Question, ...]:
        """Return questions, oldest first."""
        ...

    def withdraw(self, question: str) -> bool:
        """Void an open question whose reason is gone; tell whether it was open."""
        ...

    def book_usage(self, entry: UsageEntry) -> bool:
        """Book what a request or a run used, once per key; the task's total follows. Tell whether it was new.

        Raises:
            YourFault: there is no such task.
        """
        ...

    def usage(
        self, *, task: str = "", since: datetime | None = None, by: Sequence[str] = ("task",)
    ) -> tuple[UsageTotal, ...]:
        """Sum up what was used, by any of ``core.model.usage.GROUPS``, in the order of their values."""
        ...

    def spent_usd(self, since: datetime | None = None) -> float:
        """Return what everything cost since an instant, or ever."""
        ...

    def spending(self, task: str, stage: str = "") -> Spending:
        """Return everything that the caps of a task are compared with, as of now."""
        ...

    def freeze(self) -> Freeze:
        """Read the emergency stop; an unreadable flag counts as active."""
        ...

    def set_freeze(self, by: str, reason: str) -> Freeze:
        """Set the emergency stop: every effect waits, except a way back that has begun."""
        ...

    def lift_freeze(self, by: str) -> Freeze:
        """Lift the emergency stop."""
        ...

    def lease(
        self, environment: str, holder: str, *, take_over: bool = False, past_lock: bool = False
    ) -> Lease | None:
        """Take or renew the lease of an environment; ``None`` while somebody else holds it.

        A lock of a person keeps new holders out; a way back passes it (``past_lock``).
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens when it is no longer held."""
        ...

    def save_deployment(self, deployment: Deployment) -> None:
        """Insert or replace a deployment."""
        ...

    def deployments(self, environment: str = "", *, limit: int = 100) -> tuple[Deployment, ...]:
        """Return deployments, newest first."""
        ...

    def quarantine(self, entry: Quarantine) -> None:
        """Insert or replace a quarantine entry."""
        ...

    def quarantined(self) -> tuple[Quarantine, ...]:
        """Return every quarantined commit."""
        ...

    def save_artefact(
        self, task: str, name: str, content: str | bytes, media_type: str = "text/plain"
    ) -> str:
        """Keep an artefact by its hash and return ``sha256:...``."""
        ...

    def artefact(self, reference: str) -> str:
        """Return an artefact's text.

        Raises:
            YourFault: it was never kept, or its retention is over.
        """
        ...

    def artefact_bytes(self, reference: str) -> bytes:
        """Return an artefact's bytes.

        Raises:
            YourFault: it was never kept, or its retention is over.
        """
        ...

    def artefacts(self, task: str) -> tuple[dict[str, Any], ...]:
        """Return name, reference, media type, size and instant of a task's artefacts, oldest first."""
        ...

    def save_samples(
        self, deployment: str, series: str, ticks: Sequence[tuple[datetime, dict[str, Any]]]
    ) -> int:
        """Keep the ticks of a watched deployment that are not kept yet; return how many those were."""
        ...

    def open_incident(self, task: str, title: str, body: str, key: str) -> int:
        """Record an incident once per key and return its number."""
        ...

    def tasks_since(self, instant: datetime) -> int:
        """Count the tasks created since an instant."""
        ...

    def owner_says(self, actor: Actor) -> bool:
        """Tell whether an actor is the configured owner on any channel."""
        ...
