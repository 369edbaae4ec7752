"""Maintenance by recipe: what is configured, a trial of it, and the tasks that come of it by the clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.recipe import ROLE, Recipe, complete, find_recipe, request_of, slot_of
from keelway.core.model.task import SYSTEM, Actor
from keelway.core.words.text import line
from keelway.ports.agent import AgentLimits, Assignment, Stop
from keelway.ports.ledger import TaskRow

ROUND_SECONDS = 60.0

_log = logging.getLogger("keelway.recipes")


@dataclass(frozen=True)
class RecipeStanding:
    """Say how a recipe stands."""

    name: str
    title: str
    command: tuple[str, ...]
    every_hours: float
    last_task: str = ""
    last_status: str = ""


@dataclass(frozen=True)
class Trial:
    """Say what a recipe would change on the present base."""

    recipe: str
    base_sha: str
    files: tuple[str, ...]
    lines: int


def standings(app: App) -> tuple[RecipeStanding, ...]:
    """Return the configured recipes, each with the newest task that came of it."""
    newest: dict[str, TaskRow] = {}
    for row in app.ledger.tasks() if app.config.project.recipes else ():
        newest.setdefault(row.task.request.recipe, row)
    found = []
    for recipe in map(complete, app.config.project.recipes):
        last = newest.get(recipe.name)
        words = (last.task.name, last.status.value) if last is not None else ("", "")
        found.append(RecipeStanding(recipe.name, recipe.title, recipe.run, recipe.every_hours, *words))
    return tuple(found)


def try_out(app: App, name: str) -> Trial:
    """Run a recipe on the present base in a workspace that is thrown away.

    Raises:
        YourFault: there is no such recipe.
        TheirFault: its command did not succeed, or git refuses what it left.
    """
    recipe, doors = find_recipe(app.config.project.recipes, name), app.doors
    branches = app.config.project.branches
    room_name, branch = f"recipe-{recipe.name}", f"{branches.feature_prefix}recipe-{recipe.name}-trial"
    doors.forge.refresh()
    base_sha = doors.forge.head(branches.integration)
    doors.sandbox.close(room_name)
    room = doors.sandbox.open(room_name, base_sha, "trial")
    try:
        limits = AgentLimits(wall_seconds=recipe.seconds_max)
        effort = doors.agent.work(Assignment(room_name, ROLE, 1, room.path, recipe.name, limits))
        if effort.stop is not Stop.COMPLETED:
            raise TheirFault(
                f"recipe_{effort.stop.value}",
                f"The recipe {recipe.name} failed: {line(effort.detail, 500)}",
                "run its command by hand in a fresh checkout, after the project's set-up",
            )
        tried = doors.sandbox.collect(room, base_sha, recipe.title, branch)
        if not tried.changed:
            return Trial(recipe.name, base_sha, (), 0)
        diff = doors.forge.diff(base_sha, tried.head_sha)
        doors.forge.delete_branch(branch, key=f"{branch}@{tried.head_sha}")
        return Trial(recipe.name, base_sha, tuple(sorted(diff.paths)), diff.lines)
    finally:
        doors.sandbox.close(room_name)


def run_recipe(commands: Commands, name: str, by: Actor, *, scheduled: bool = False) -> TaskRow:
    """Open the task of a recipe.

    Raises:
        YourFault: there is no such recipe, or the base is dirty.
        RequestRefused: it is under way already, or the intake gate said no.
    """
    recipe = find_recipe(commands.app.config.project.recipes, name)
    return commands.submit(request_of(recipe, by, datetime.now(UTC), scheduled=scheduled))


class RecipeClock(Rounds):
    """Try due recipes in a thread of its own; a task is opened only when one would change something."""

    def __init__(
        self,
        commands: Commands,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        super().__init__(
            self.look, round_seconds, _log, name="recipes", failed="A round of the recipes failed."
        )
        self._commands, self._now = commands, now

    def start(self) -> None:
        """Begin, when a recipe has a clock."""
        if any(recipe.every_hours > 0 for recipe in self._commands.app.config.project.recipes):
            super().start()

    def look(self) -> int:
        """Try what is due once in its stretch of time and return how many tasks were opened."""
        ledger, opened = self._commands.app.ledger, 0
        for recipe in map(complete, self._commands.app.config.project.recipes):
            slot = slot_of(recipe, self._now())
            if not slot or self._stop.is_set() or ledger.freeze().active or ledger.effect(slot) is not None:
                continue
            said = self._tried(recipe)
            opened += said.startswith("T-")
            data = {"effect": "recipe", "recipe": recipe.name, "outcome": said}
            ledger.record(Event(EventKind.EFFECT_DONE, self._now(), data=data, key=slot))
        return opened

    def _tried(self, recipe: Recipe) -> str:
        try:
            if not try_out(self._commands.app, recipe.name).files:
                return "nothing to do"
            return run_recipe(self._commands, recipe.name, SYSTEM, scheduled=True).task.name
        except KeelwayError as error:
            _log.warning("The recipe %s opened no task: %s", recipe.name, error)
            return line(error.message, 500)
