"""Take an iteration back that broke what worked before it, and say what was taken back and why."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.judge.step_back import Standing, lost_tests, undone
from keelway.core.judge.tests import TestResult
from keelway.core.model.verdict import Finding
from keelway.ports.sandbox import Workspace
from keelway.routines.context import Context

_PATCH = "undo"


@dataclass(frozen=True)
class Undone:
    """Hold the workspace as it was before, and what the agent is told."""

    room: Workspace
    findings: tuple[Finding, ...]


class StepBack:
    """Remember how the files stood after the last iteration that was kept; all of it comes from recorded steps.

    Nothing is known when a stage is entered again, so its first iteration is never taken back.
    """

    def __init__(self, ctx: Context, task: str, base_sha: str, passing: frozenset[str]) -> None:
        self._ctx, self._task, self._base_sha, self._passing = ctx, task, base_sha, passing
        self._kept: Standing | None = None

    def after(
        self, turn: int, head_sha: str, tests: tuple[TestResult, ...], reasons: tuple[Finding, ...]
    ) -> Undone | None:
        """Go back to the files of the iteration before when this one turned tests of the base red."""
        ctx, kept = self._ctx, self._kept
        now = Standing.of(turn, head_sha, tests, reasons, self._passing)
        lost = lost_tests(kept, tests) if kept is not None else ()
        if kept is None or not lost or not ctx.policy.development.undo or not ctx.engine.patch(_PATCH):
            self._kept = now
            return None
        room = ctx.act(f"undo:{turn}", ctx.sandbox.reset, self._task, kept.head_sha, self._base_sha)
        return Undone(room, (undone(turn, kept, lost), *kept.reasons))
