"""An agent without a process: plays what a test gives it, under the same limits and permissions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from enum import Enum

from keelway.core.model.fence import Fence
from keelway.core.rule.glob import matches
from keelway.ports.agent import Agent, AgentFacts, Assignment, Effort, Record, Stop, Usage


class Idle(Enum):
    """Name the one play that never ends by itself."""

    HANG = "hang"


HANG = Idle.HANG
_FENCE = Fence("fake", isolates_network=True, trusted_only=False)
Edits = Mapping[str, str | None]
"""New text by path; None deletes the file."""
Play = Effort | Edits | Idle | Callable[[Assignment], Effort | Edits | Idle]


@dataclass
class FakeAgent:
    """Play by (role, attempt); where there is no play the run completes without a change."""

    plays: Mapping[tuple[str, int], Play]
    files: Callable[[str], MutableMapping[str, str]]
    """Return the files of a task's workspace, such as ``FakeSandbox.files``."""
    name: str = "fake"
    fenced_by: Fence = _FENCE
    usage: Mapping[tuple[str, int], Usage] = field(default_factory=dict)
    """What a run by (role, attempt) reports, where its play says nothing about it."""
    seen: list[Assignment] = field(default_factory=list)
    """Every assignment, in order."""
    _running: dict[str, threading.Event] = field(default_factory=dict)

    def probe(self) -> AgentFacts:
        """Say that a fake is always there."""
        return AgentFacts(self.name, installed=True, version="1")

    def fence(self) -> Fence:
        """Say what the test wants to be believed."""
        return self.fenced_by

    def work(self, assignment: Assignment) -> Effort:
        """Carry out the play of an assignment."""
        self.seen.append(assignment)
        play = self.plays.get((assignment.role, assignment.attempt), {})
        result = play(assignment) if callable(play) else play
        if isinstance(result, Effort):
            return replace(result, agent=result.agent or f"{self.name} 1")
        return self._hang(assignment) if result is HANG else self._edit(assignment, result)

    def record(self, task: str, role: str, attempt: int) -> tuple[Record, ...]:
        """Return the prompt of the last run as its transcript."""
        wanted = (task, role, attempt)
        runs = [each for each in self.seen if (each.task, each.role, each.attempt) == wanted]
        return (Record("transcript.jsonl", runs[-1].prompt),) if runs else ()

    def reap(self) -> int:
        """Find nothing: a fake leaves nothing behind."""
        return 0

    def cancel(self, task: str) -> bool:
        """End the hanging run of a task."""
        event = self._running.get(task)
        if event:
            event.set()
        return event is not None

    def _edit(self, assignment: Assignment, edits: Idle | Edits) -> Effort:
        refused = 0
        files = self.files(assignment.task)
        for path, text in edits.items() if isinstance(edits, Mapping) else ():
            if not assignment.writes or matches(path, assignment.protected):
                refused += 1
            elif text is None:
                files.pop(path, None)
            else:
                files[path] = text
        used = self.usage.get((assignment.role, assignment.attempt), Usage())
        return Effort(Stop.COMPLETED, "Done.", used, permissions_refused=refused, agent=f"{self.name} 1")

    def _hang(self, assignment: Assignment) -> Effort:
        limits = assignment.limits
        seconds = min(limits.wall_seconds, limits.silence_seconds)
        event = self._running[assignment.task] = threading.Event()
        try:
            cancelled = event.wait(seconds)
        finally:
            del self._running[assignment.task]
        over = Stop.LIMIT_WALL if limits.wall_seconds <= limits.silence_seconds else Stop.LIMIT_SILENCE
        return Effort(Stop.CANCELLED if cancelled else over, "", agent=f"{self.name} 1")


_check: type[Agent] = FakeAgent
