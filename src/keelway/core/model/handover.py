"""What a stage hands to the next one: a value that proves the work before it was done.

``Admitted -> ApprovedPlan -> TestedPatch -> Merged -> Staged -> Live``: staging accepts only
a merged patch, promotion only a staged one. Deploying something untested is a type error.
Each value names immutable objects (commits, digests), never a branch that can move.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keelway.core.model.plan import Plan
from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding


@dataclass(frozen=True)
class Admitted:
    """Prove that the intake gate let the request become a task."""

    task: Task
    admitted_at: datetime
    issue: int | None = None
    """Number of the tracking issue, when one was opened."""


@dataclass(frozen=True)
class ApprovedPlan:
    """Prove that this very plan was approved, by policy or by a person."""

    admitted: Admitted
    plan: Plan
    version: int
    digest: str
    base_sha: str
    policy_digest: str
    risk: str
    """``low``, ``medium`` or ``high``."""
    risk_factors: tuple[str, ...]
    approved_by: str
    remarks: str = ""

    @property
    def task(self) -> Task:
        """Return the task that the plan belongs to."""
        return self.admitted.task


@dataclass(frozen=True)
class Work:
    """Give development an approved plan and, in a later round, what was found in review."""

    approved: ApprovedPlan
    remarks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    """The same, as it was found; empty for work that an earlier version gave."""

    @property
    def task(self) -> Task:
        """Return the task to work on."""
        return self.approved.task


@dataclass(frozen=True)
class CheckFact:
    """Name one check that ran on a commit, with how much it examined."""

    name: str
    passed: bool
    examined: int
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class TestedPatch:
    """Prove that the judge accepted exactly this commit on exactly this base."""

    __test__ = False

    approved: ApprovedPlan
    branch: str
    base_sha: str
    head_sha: str
    tree_sha: str
    iterations: int
    checks: tuple[CheckFact, ...]
    risk: str
    """Risk of the finished diff; never lower than the plan's."""
    risk_factors: tuple[str, ...]
    files: tuple[str, ...]
    lines: int
    categories: tuple[str, ...] = ()
    """What the change is about, by the names of the policy; empty in the records of earlier versions."""

    @property
    def task(self) -> Task:
        """Return the task that the patch belongs to."""
        return self.approved.task


@dataclass(frozen=True)
class Merged:
    """Prove that the tested tree is on the integration branch."""

    patch: TestedPatch
    pull_request: int
    merge_sha: str
    tree_sha: str
    merged_at: datetime

    @property
    def task(self) -> Task:
        """Return the task that was merged."""
        return self.patch.task


@dataclass(frozen=True)
class Staged:
    """Prove that staging was healthy and that the way back was rehearsed and timed."""

    merged: Merged
    release: str
    deployment: str
    rehearsal_seconds: float
    judgement: str
    """The decision of the observation and its main figures, as one sentence."""
    down_proven: bool | None = None
    """The way down led back to exactly what was there, on a copy of real data; ``None`` when it was not tried."""

    @property
    def task(self) -> Task:
        """Return the task that was staged."""
        return self.merged.task


@dataclass(frozen=True)
class Live:
    """Prove that production ran the release for the whole window within its limits."""

    staged: Staged
    release: str
    main_sha: str
    deployment: str
    previous_release: str
    deployed_at: datetime
    judgement: str

    @property
    def task(self) -> Task:
        """Return the task that is live."""
        return self.staged.task


@dataclass(frozen=True)
class Closed:
    """State how a task ended, in the words told to the requester."""

    task: Task
    status: str
    code: str
    message: str
    closed_at: datetime
