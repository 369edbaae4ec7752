"""What every agent adapter must keep, whatever program stands behind it."""
# ruff: noqa: S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keelway.ports.agent import Agent, AgentLimits, Assignment, Effort, Stop

TASK = "T-1"
PATIENCE_SECONDS = 20.0
PROTECTED = ("ci/**",)
_ORDINARY = AgentLimits()


@dataclass(frozen=True)
class AgentRig:
    """Hand an agent to the tests, prepared to play the six parts that ``AgentTests`` names."""

    agent: Agent
    workspace: str
    files: Callable[[], Mapping[str, str]]
    """Return the text of every file in the workspace by path."""


class AgentTests(ABC):
    r"""Subclass it, name it ``Test...`` and fill ``rig``.

    The parts of role ``dev`` by attempt: 1 writes ``hello\n`` into ``note.txt``; 2 changes
    nothing; 3 hangs; 4 asks to write ``ci/build.yml``, then writes it if allowed. Role ``review``,
    attempt 1 asks to write ``note.txt``, then writes it if allowed. Every other run changes nothing.
    """

    @abstractmethod
    def rig(self) -> AgentRig:
        """Return the agent and its workspace; overridden by a fixture of this name."""

    def test_probe_says_that_it_can_be_driven(self, rig: AgentRig) -> None:
        """Hold that an installed agent is found, by name."""
        facts = rig.agent.probe()
        assert facts.installed, facts.detail
        assert facts.name

    def test_it_says_what_fences_it(self, rig: AgentRig) -> None:
        """Hold that there is a name for the fence, and a word on every fence that is too weak for strangers."""
        fence = rig.agent.fence()
        assert fence.name
        assert fence.missing or not fence.trusted_only

    def test_an_edit_lands_in_the_workspace(self, rig: AgentRig) -> None:
        """Hold that the work is done where it was ordered."""
        effort = work(rig, "dev", 1)
        assert effort.stop is Stop.COMPLETED, effort
        assert rig.files()["note.txt"] == "hello\n"
        assert effort.agent

    def test_a_run_leaves_a_record_in_writing(self, rig: AgentRig) -> None:
        """Hold that what was said can be kept, and that a run that never was left nothing."""
        work(rig, "dev", 2)
        record = {each.name: each.text for each in rig.agent.record(TASK, "dev", 2)}
        assert "Play your part." in record["transcript.jsonl"]
        assert rig.agent.record(TASK, "dev", 99) == ()

    def test_repeating_an_assignment_gives_the_same_end(self, rig: AgentRig) -> None:
        """Hold that a run may be repeated after a crash."""
        first, second = work(rig, "dev", 1), work(rig, "dev", 1)
        assert (first.stop, second.stop) == (Stop.COMPLETED, Stop.COMPLETED)
        assert rig.files()["note.txt"] == "hello\n"

    def test_no_change_is_a_completed_run(self, rig: AgentRig) -> None:
        """Hold that an agent may find nothing to do."""
        before = dict(rig.files())
        assert work(rig, "dev", 2).stop is Stop.COMPLETED
        assert rig.files() == before

    def test_an_unforeseen_assignment_changes_nothing(self, rig: AgentRig) -> None:
        """Hold that what was not rehearsed ends without a change."""
        before = dict(rig.files())
        assert work(rig, "plan", 9).stop is Stop.COMPLETED
        assert rig.files() == before

    def test_the_wall_limit_ends_a_run(self, rig: AgentRig) -> None:
        """Hold that a hanging agent is ended after its time."""
        effort = work(rig, "dev", 3, AgentLimits(wall_seconds=1.5, grace_seconds=0.5))
        assert effort.stop is Stop.LIMIT_WALL, effort

    def test_the_silence_limit_ends_a_run(self, rig: AgentRig) -> None:
        """Hold that an agent that says nothing is ended."""
        effort = work(rig, "dev", 3, AgentLimits(silence_seconds=1.5, grace_seconds=0.5))
        assert effort.stop is Stop.LIMIT_SILENCE, effort

    def test_cancel_ends_a_run(self, rig: AgentRig) -> None:
        """Hold that another thread can end a run, and that it is called cancelled."""
        efforts: list[Effort] = []
        thread = threading.Thread(target=lambda: efforts.append(work(rig, "dev", 3)))
        thread.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not rig.agent.cancel(TASK) and time.monotonic() < deadline:
            time.sleep(0.02)
        thread.join(PATIENCE_SECONDS)
        assert [effort.stop for effort in efforts] == [Stop.CANCELLED]

    def test_cancel_without_a_run_says_so(self, rig: AgentRig) -> None:
        """Hold that cancelling nothing is not an error."""
        assert rig.agent.cancel("T-404") is False

    def test_a_protected_path_is_refused(self, rig: AgentRig) -> None:
        """Hold that permission for a protected path is refused and counted."""
        effort = work(rig, "dev", 4)
        assert effort.permissions_refused == 1, effort
        assert "ci/build.yml" not in rig.files()

    def test_a_role_without_the_right_to_write_writes_nothing(self, rig: AgentRig) -> None:
        """Hold that permission is refused to a role that only reads."""
        effort = work(rig, "review", 1, writes=False)
        assert effort.permissions_refused == 1, effort
        assert "note.txt" not in rig.files()


def work(
    rig: AgentRig, role: str, attempt: int, limits: AgentLimits = _ORDINARY, *, writes: bool = True
) -> Effort:
    """Let the agent carry out one part; the prompt begins with the header that every prompt has."""
    prompt = f"Task: {TASK}\nRole: {role}\nAttempt: {attempt}\n\nPlay your part."
    return rig.agent.work(
        Assignment(TASK, role, attempt, rig.workspace, prompt, limits, writes=writes, protected=PROTECTED)
    )
