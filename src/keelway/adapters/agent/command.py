"""Any program that takes a prompt, works and ends: ``codex exec``, ``opencode run``, aider, pi, a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from keelway.clients.command import Output, speech
from keelway.clients.run import Driver, Launch, Order
from keelway.core.codec import from_json, to_json
from keelway.core.model.fence import Fence
from keelway.ports.agent import Agent, AgentFacts, Assignment, Effort, Record


@dataclass(frozen=True)
class CommandAgent:
    """Run one program per assignment, each run in a private home of its own.

    It asks for no permissions, so nothing is refused by rule: its cage and the judge of the diff hold it.
    """

    launch: Launch
    output: Output = field(default_factory=Output)
    """How what it prints is understood."""

    @cached_property
    def _driver(self) -> Driver:
        return Driver(self.launch, speech(self.output))

    def probe(self) -> AgentFacts:
        """Find out whether the program starts and tells its version within 30 seconds."""
        found = self._driver.probe()
        return AgentFacts(self.launch.name, found.answers, found.version, found.detail)

    def fence(self) -> Fence:
        """Say what the sandbox of this machine holds."""
        return from_json(Fence, to_json(self._driver.fence()))

    def work(self, assignment: Assignment) -> Effort:
        """Run the program once; that it ends well does not say that it did anything."""
        return from_json(Effort, to_json(self._driver.work(from_json(Order, to_json(assignment)))))

    def record(self, task: str, role: str, attempt: int) -> tuple[Record, ...]:
        """Return what a run on this machine left in writing, secrets masked."""
        return tuple(Record(name, text) for name, text in self._driver.record(task, role, attempt))

    def cancel(self, task: str) -> bool:
        """End the runs of a task, whichever worker of this machine drives them."""
        return self._driver.cancel(task)

    def reap(self) -> int:
        """End what workers that died have left running; return how many runs that were."""
        return self._driver.reap()


ADAPTER = CommandAgent
_check: type[Agent] = CommandAgent
