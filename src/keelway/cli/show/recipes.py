"""Recipes in text."""

from __future__ import annotations

from keelway.app.recipe.order import RecipeStanding, Trial
from keelway.app.view.task import TaskLine
from keelway.cli.show.text import say, table

HOURS_A_DAY = 24
SHOWN_MAX = 20


def recipes(found: tuple[RecipeStanding, ...]) -> None:
    """Print the recipes of a project."""
    if not found:
        say(
            'No recipe is configured. Next: add a [[recipe]] to keelway.toml, for example with use = "ruff-fix"'
        )
        return
    rows = [(one.name, _every(one.every_hours), _last(one), " ".join(one.command)) for one in found]
    table(("recipe", "every", "last task", "command"), rows)


def tried(trial: Trial) -> None:
    """Print what a recipe would change."""
    if not trial.files:
        say(f"{trial.recipe} would change nothing on {trial.base_sha[:12]}.")
        return
    more = len(trial.files) - SHOWN_MAX
    say(
        f"{trial.recipe} would change {len(trial.files)} file(s), {trial.lines} line(s), on {trial.base_sha[:12]}:",
        *(f"  {path}" for path in trial.files[:SHOWN_MAX]),
        *([f"  and {more} more"] if more > 0 else []),
        f"Next: keelway recipes run {trial.recipe}",
    )


def opened(row: TaskLine) -> None:
    """Print the task that was opened."""
    say(f"{row.name} was opened: {row.title}", f"Next: keelway watch {row.name}", style="green")


def _every(hours: float) -> str:
    if hours <= 0:
        return "by hand"
    return f"{hours / HOURS_A_DAY:g} d" if hours >= HOURS_A_DAY else f"{hours:g} h"


def _last(one: RecipeStanding) -> str:
    return f"{one.last_task} {one.last_status}" if one.last_task else "none yet"
