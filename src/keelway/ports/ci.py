"""Who checks a commit: clean checkout, the project's own commands, bounded output, real counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from keelway.core.judge.question import Answer, Question
from keelway.core.judge.tests import TestResult


@dataclass(frozen=True)
class CheckJob:
    """Ask for some checks on one commit."""

    sha: str
    checks: tuple[str, ...]
    """Names of configured checks, in the order in which they run."""
    coverage_of: tuple[str, ...] = ()
    """Source paths whose executed lines are wanted."""
    canary: str = ""
    """When set: plant a failing test of this name, which the run must report as failed."""
    purpose: str = "head"
    stop_at_first: bool = False
    task: str = ""
    """Id of the task for which it is run, so that ``end`` finds it."""
    only: tuple[str, ...] = ()
    """Ids of the tests that are wanted; the report may hold others beside them."""
    repeat: int = 1
    """How often they are run, one after the other in one checkout; the report holds every ending of each."""
    changed: tuple[str, ...] = ()
    """When set: run the quicker commands for tests that belong to these files, and no check without one."""
    questions: tuple[Question, ...] = ()
    """What the application of this commit is asked from outside, in processes of its own."""


@dataclass(frozen=True)
class CommandResult:
    """State how one check command ended."""

    name: str
    exit_code: int | None
    seconds: float
    examined: int
    """Tests executed, or 1 for a command that ran; 0 means that it did not really run."""
    output: str = ""
    """The end of its output, bounded."""
    timed_out: bool = False
    could_not_start: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether the command ran to its end and succeeded."""
        return self.exit_code == 0 and not self.timed_out and not self.could_not_start and self.examined > 0


@dataclass(frozen=True)
class CheckReport:
    """Hold everything that a job found out."""

    sha: str
    commands: tuple[CommandResult, ...]
    tests: tuple[TestResult, ...] = ()
    executable: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Executable lines by source path."""
    executed: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Lines that a test ran, by source path."""
    setup_error: str = ""
    canary_failed: bool | None = None
    answers: tuple[Answer, ...] = ()
    """One for each question, in their order."""


class Ci(Protocol):
    """Run checks on immutable commits; nothing of the result is written by the code under test's author."""

    def check(self, job: CheckJob) -> CheckReport:
        """Run a job to its end; failures are part of the report, never an exception."""
        ...

    def check_all(self, jobs: tuple[CheckJob, ...]) -> tuple[CheckReport, ...]:
        """Run several jobs, side by side where the machine allows it; the reports come in their order."""
        ...

    def end(self, task: str) -> bool:
        """End the jobs of a task on this machine now, whichever process runs them; tell whether there was one."""
        ...
