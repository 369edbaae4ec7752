"""Recipes by hand: what is configured, a trial of one, and the task that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from keelway.app.bootstrap import App
from keelway.app.commands import Commands
from keelway.core.errors import TheirFault
from keelway.core.model.recipe import ROLE, complete, find_recipe, request_of
from keelway.core.model.task import Actor
from keelway.core.words.text import line
from keelway.ports.agent import AgentLimits, Assignment, Stop
from keelway.ports.ledger import TaskRow


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
