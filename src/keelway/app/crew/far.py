"""Agents and checks of a task that may have begun on another host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from keelway.core.model.fence import Fence
from keelway.core.scan.report import ScanReport
from keelway.ports.agent import Agent, AgentFacts, Assignment, Effort, Record, Stop
from keelway.ports.ci import CheckJob, CheckReport, Ci
from keelway.ports.scanner import ScanJob, Scanners


class Rooms(Protocol):
    """Keep workspaces that follow their tasks."""

    def enter(self, task: str) -> str:
        """Return the folder of a workspace here, made from its last state when it was elsewhere."""
        ...

    def save(self, task: str) -> None:
        """Leave the state of a workspace for other hosts."""
        ...


@dataclass(frozen=True)
class CarriedAgent:
    """Let an agent work in the workspace as its task left it, on whichever host that was."""

    agent: Agent
    rooms: Rooms

    def probe(self) -> AgentFacts:
        """Find out whether the agent is installed and starts."""
        return self.agent.probe()

    def fence(self) -> Fence:
        """Say what stands between the agent and this machine."""
        return self.agent.fence()

    def work(self, assignment: Assignment) -> Effort:
        """Carry out an assignment here, wherever it was given, and leave what came out for other hosts."""
        if not assignment.workspace:
            return self.agent.work(assignment)
        room = Path(assignment.workspace).name
        effort = self.agent.work(replace(assignment, workspace=self.rooms.enter(room)))
        if assignment.writes and effort.stop is not Stop.CANCELLED:
            self.rooms.save(room)
        return effort

    def record(self, task: str, role: str, attempt: int) -> tuple[Record, ...]:
        """Return what a run left in writing here."""
        return self.agent.record(task, role, attempt)

    def reap(self) -> int:
        """End what runs of a process that died left behind; return how many runs those were."""
        return self.agent.reap()

    def cancel(self, task: str) -> bool:
        """End the runs of a task now; tell whether there was one."""
        return self.agent.cancel(task)


@runtime_checkable
class Sweeping(Protocol):
    """Remove what dead processes left."""

    def sweep(self) -> int:
        """Remove it and return how much that was."""
        ...


@dataclass(frozen=True)
class FarCi:
    """Check commits that are fetched from the hub first."""

    ci: Ci
    need: Callable[[str], None]
    """Fetch a commit that is not here."""

    def check(self, job: CheckJob) -> CheckReport:
        """Run a job to its end.

        Raises:
            TheirFault: the hub cannot be reached.
        """
        self.need(job.sha)
        return self.ci.check(job)

    def check_all(self, jobs: tuple[CheckJob, ...]) -> tuple[CheckReport, ...]:
        """Run jobs side by side.

        Raises:
            TheirFault: the hub cannot be reached.
        """
        for job in jobs:
            self.need(job.sha)
        return self.ci.check_all(jobs)

    def end(self, task: str) -> bool:
        """End the jobs of a task on this machine now; tell whether there was one."""
        return self.ci.end(task)

    def sweep(self) -> int:
        """Remove the checkouts of processes that died and return how many there were."""
        return self.ci.sweep() if isinstance(self.ci, Sweeping) else 0


@dataclass(frozen=True)
class FarScanners:
    """Let scanners look at commits that are fetched from the hub first."""

    scanners: Scanners
    need: Callable[[str], None]
    """Fetch a commit that is not here."""

    def examine(self, job: ScanJob) -> tuple[ScanReport, ...]:
        """Return one report for each tool that a changed file concerns.

        Raises:
            TheirFault: the hub cannot be reached.
        """
        self.need(job.base_sha)
        self.need(job.head_sha)
        return self.scanners.examine(job)


_agent: type[Agent] = CarriedAgent
_ci: type[Ci] = FarCi
_scanners: type[Scanners] = FarScanners
