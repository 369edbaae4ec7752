"""Any coding agent that speaks the Agent Client Protocol: OpenCode, Codex, Claude Code, Gemini, Qwen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from keelway.clients.acp import Driver, Launch, Order
from keelway.core.codec import from_json, to_json
from keelway.ports.agent import Agent, AgentFacts, Assignment, Effort, Record


@dataclass(frozen=True)
class AcpAgent:
    """Drive one agent program over its standard streams, each run in a private empty home."""

    name: str
    argv: tuple[str, ...]
    run_root: str
    """Folder for homes, transcripts and the record of live runs; shared by all workers of a machine."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Everything the agent sees, apart from a private ``HOME``, a plain ``PATH`` and ``LANG``."""
    redact: tuple[str, ...] = field(default=(), repr=False)
    """Values that are masked in transcripts and results."""

    @cached_property
    def _driver(self) -> Driver:
        return Driver(Launch(self.name, self.argv, self.run_root, dict(self.env), self.redact))

    def probe(self) -> AgentFacts:
        """Find out whether the agent is installed and answers a greeting within 30 seconds."""
        found = self._driver.probe()
        return AgentFacts(self.name, found.answers, found.version, found.detail)

    def work(self, assignment: Assignment) -> Effort:
        """Carry out an assignment in one session with one prompt; nothing of the run survives it."""
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


ADAPTER = AcpAgent
_check: type[Agent] = AcpAgent
