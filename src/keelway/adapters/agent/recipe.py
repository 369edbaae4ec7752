"""Maintenance by a command of the operator instead of a model; every other assignment goes to the coding agent."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.files import remove_tree
from keelway.clients.shell import MARKER, Command, Done, base_env, end_marked, run
from keelway.core.errors import YourFault
from keelway.core.model.fence import Fence
from keelway.core.model.project import Project
from keelway.core.model.recipe import ROLE, Recipe, find_recipe
from keelway.ports.agent import Agent, AgentFacts, Assignment, Effort, Record, Stop

_OUTPUT_BYTES_MAX = 200_000
_SAID_CHARS_MAX = 1_000
_ENDED = "ended"


@dataclass(frozen=True)
class RecipeAgent:
    """Carry out recipes; their commands come from the configuration, never from a task or the workspace.

    What the project's set-up makes at the top of the workspace goes away again, so that only what the
    recipe itself changed is judged.
    """

    inner: Agent
    """Who does everything else."""
    recipes: tuple[Recipe, ...]
    project: Project
    root: str
    """Folder for the homes of the commands."""

    def probe(self) -> AgentFacts:
        """Find out whether the coding agent is installed and starts."""
        return self.inner.probe()

    def fence(self) -> Fence:
        """Say what stands between the coding agent and this machine."""
        return self.inner.fence()

    def work(self, assignment: Assignment) -> Effort:
        """Run the recipe whose name is the prompt in the workspace, or let the coding agent work."""
        if assignment.role != ROLE:
            return self.inner.work(assignment)
        begun, marker = time.monotonic(), self._marker(assignment.task)
        end_marked(marker)
        try:
            recipe = find_recipe(self.recipes, assignment.prompt)
        except YourFault as fault:
            return Effort(Stop.NOT_STARTED, "", agent=ROLE, detail=str(fault))
        seconds_max = min(recipe.seconds_max, assignment.limits.wall_seconds)
        stop, detail = self._carry_out(recipe, Path(assignment.workspace), marker, seconds_max)
        seconds = time.monotonic() - begun
        return Effort(stop, recipe.title, agent=f"recipe {recipe.name}", seconds=seconds, detail=detail)

    def cancel(self, task: str) -> bool:
        """End the runs of a task now; tell whether there was one."""
        marker = self._marker(task)
        home = self._home(marker)
        if home.is_dir():
            (home / _ENDED).touch()
            end_marked(marker)
            return True
        return self.inner.cancel(task)

    def record(self, task: str, role: str, attempt: int) -> tuple[Record, ...]:
        """Return what a run of the coding agent left to be kept; a recipe leaves only its changes."""
        return () if role == ROLE else self.inner.record(task, role, attempt)

    def reap(self) -> int:
        """End what runs of a control plane that died left behind; return how many runs those were."""
        return self.inner.reap()

    def _carry_out(
        self, recipe: Recipe, workspace: Path, marker: str, seconds_max: float
    ) -> tuple[Stop, str]:
        home = self._home(marker)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True, mode=0o700)
        before = {path.name for path in workspace.iterdir()}
        try:
            if self.project.setup:
                done = self._run(self.project.setup, workspace, home, marker, self.project.setup_seconds_max)
                if not done.passed:
                    return _ended(done, self.project.setup)
            made = {path.name for path in workspace.iterdir()} - before
            done = self._run(recipe.run, workspace, home, marker, seconds_max)
            for name in sorted(made):
                remove_tree(workspace / name, workspace)
            return _ended(done, recipe.run)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _run(
        self, argv: tuple[str, ...], workspace: Path, home: Path, marker: str, seconds_max: float
    ) -> Done:
        if (home / _ENDED).exists():
            return Done(None, could_not_start="its task was ended")
        env = base_env(str(home), [str(workspace / name) for name in self.project.path])
        env |= {MARKER: marker, "CI": "1", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return run(Command(argv, str(workspace), env, seconds_max, _OUTPUT_BYTES_MAX))

    def _home(self, marker: str) -> Path:
        return Path(self.root).resolve() / marker

    def _marker(self, task: str) -> str:
        """Name the processes of a task in this home, so that another life of ours finds them."""
        return "recipe-" + hashlib.sha256(f"{Path(self.root).resolve()}\0{task}".encode()).hexdigest()[:16]


def _ended(done: Done, argv: tuple[str, ...]) -> tuple[Stop, str]:
    if done.passed:
        return Stop.COMPLETED, ""
    if done.could_not_start:
        return Stop.NOT_STARTED, done.could_not_start
    if done.timed_out:
        return Stop.LIMIT_WALL, f"{' '.join(argv)} was ended after {done.seconds:.0f} s."
    said = (done.stderr or done.stdout).decode(errors="replace").strip()[-_SAID_CHARS_MAX:]
    return Stop.CRASHED, f"{' '.join(argv)} ended with {done.exit_code}: {said or 'it said nothing.'}"


ADAPTER = RecipeAgent
_check: type[Agent] = RecipeAgent
