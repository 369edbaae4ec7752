"""The deterministic agent that comes with Keelway: plays a script over the Agent Client Protocol."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from keelway.clients.acp import speak
from keelway.clients.run import Driver, Launch, Order
from keelway.core.codec import from_json, to_json
from keelway.core.model.fence import Fence
from keelway.ports.agent import Agent, AgentFacts, Assignment, Effort, Record

_PROGRAM = "keelway.programs.replay_agent"
_NO_FENCE = "none"
_WHY_NO_FENCE = "a recorded script is played, and nothing that a requester writes is carried out"
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class ReplayAgent:
    """Drive the replay program as any other agent, so that demo and tests walk the true path."""

    script: str
    """Path of the JSON script; its format is in ``docs/reference/replay-script.md``."""
    run_root: str
    env: Mapping[str, str] = field(default_factory=dict)
    redact: tuple[str, ...] = field(default=(), repr=False)
    name: str = "replay"

    @cached_property
    def _driver(self) -> Driver:
        # Isolated mode: a module in the workspace must not stand in for one of ours.
        argv = (sys.executable, "-I", "-m", _PROGRAM, "--script", str(Path(self.script).resolve()))
        state = str(Path(self.run_root).resolve() / "replayed")
        path = os.pathsep.join([str(Path(sys.executable).parent), _PATH])
        env = {"PATH": path} | dict(self.env)
        return Driver(Launch(self.name, (*argv, "--state", state), self.run_root, env, self.redact), speak)

    def probe(self) -> AgentFacts:
        """Find out whether the program starts and accepts the script."""
        found = self._driver.probe()
        return AgentFacts(self.name, found.answers, found.version, found.detail)

    def fence(self) -> Fence:
        """Say that no fence is there and none is needed: nobody but the owner of the script gives orders."""
        return Fence(_NO_FENCE, trusted_only=False, missing=(_WHY_NO_FENCE,))

    def work(self, assignment: Assignment) -> Effort:
        """Play the play that fits the assignment; nothing of the run survives it."""
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


ADAPTER = ReplayAgent
_check: type[Agent] = ReplayAgent
