"""Maintenance that needs no model: a command whose changes are judged and delivered like those of an agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from keelway.core.errors import YourFault
from keelway.core.model.diff import Diff
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.task import Actor, Request, Severity, Source

ROLE = "recipe"
"""Role of an assignment whose prompt is the name of a recipe."""

HOUR_SECONDS = 3_600


@dataclass(frozen=True)
class Recipe:
    """Describe one piece of maintenance, as ``[[recipe]]`` in ``keelway.toml`` does."""

    name: str
    use: str = ""
    """Name of a built-in recipe that fills in what is not given: ``ruff-fix``, ``ruff-format``, ``uv-upgrade``,
    ``npm-update`` or ``pre-commit-update``."""
    run: tuple[str, ...] = ()
    """Command, run in a private workspace after the project's set-up."""
    title: str = ""
    """One line: the title of the task and of its commit."""
    why: str = ""
    """What the change is good for, told to whoever reads the plan."""
    kind: str = ""
    """``chore``, ``refactor``, ``docs`` or ``test``; these need no new tests."""
    every_hours: float = 0.0
    """How often it is tried by itself; 0 waits for ``keelway recipes run``."""
    seconds_max: float = 600.0
    """How long the command may take."""


BUILT_IN: dict[str, Recipe] = {
    "ruff-fix": Recipe(
        "ruff-fix",
        run=("ruff", "check", "--fix-only", "--exit-zero", "."),
        title="Let ruff mend what it can mend safely",
        why="Findings that the linter mends by itself need nobody's attention.",
        kind="refactor",
    ),
    "ruff-format": Recipe(
        "ruff-format",
        run=("ruff", "format", "."),
        title="Format the code",
        why="Code in one form makes small diffs.",
        kind="refactor",
    ),
    "uv-upgrade": Recipe(
        "uv-upgrade",
        run=("uv", "lock", "--upgrade"),
        title="Upgrade the locked Python packages",
        why="Small upgrades often are safer than a large one late.",
        kind="chore",
    ),
    "npm-update": Recipe(
        "npm-update",
        run=("npm", "update", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"),
        title="Update the locked npm packages",
        why="Small upgrades often are safer than a large one late.",
        kind="chore",
    ),
    "pre-commit-update": Recipe(
        "pre-commit-update",
        run=("pre-commit", "autoupdate", "--freeze"),
        title="Update the pre-commit hooks",
        why="Hooks age like other dependencies.",
        kind="chore",
    ),
}
"""Recipes that a configuration names by ``use``."""

_KINDS = frozenset({Kind.MAINTENANCE, Kind.REFACTOR, Kind.DOCS, Kind.TESTS})


def complete(recipe: Recipe) -> Recipe:
    """Fill in what a built-in recipe knows.

    Raises:
        YourFault: the built-in is unknown, there is no command, or the kind needs tests that no recipe writes.
    """
    whole = recipe
    if recipe.use:
        known = BUILT_IN.get(recipe.use)
        if known is None:
            raise _fault(recipe, f"uses {recipe.use!r}; known are {', '.join(sorted(BUILT_IN))}")
        whole = replace(
            recipe,
            run=recipe.run or known.run,
            title=recipe.title or known.title,
            why=recipe.why or known.why,
            kind=recipe.kind or known.kind,
        )
    whole = replace(
        whole, title=whole.title or f"Run the recipe {whole.name}", kind=whole.kind or Kind.MAINTENANCE.value
    )
    if not whole.run:
        raise _fault(recipe, "has no command; set run, or use a built-in one")
    if whole.kind not in {kind.value for kind in _KINDS}:
        raise _fault(recipe, f"has the kind {whole.kind!r}; a recipe is {_kinds()}")
    if whole.every_hours < 0 or whole.seconds_max <= 0:
        raise _fault(recipe, "needs every_hours of at least 0 and seconds_max above 0")
    return whole


def find_recipe(recipes: Iterable[Recipe], name: str) -> Recipe:
    """Return the recipe of a name, completed.

    Raises:
        YourFault: there is none, or it is not whole.
    """
    known = {recipe.name: recipe for recipe in recipes}
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise YourFault(
            "recipe_unknown",
            f"There is no recipe called {name!r}; configured are: {listed}.",
            "add a [[recipe]] to keelway.toml",
        )
    return complete(known[name])


def plan_of(recipe: Recipe, diff: Diff) -> Plan:
    """Return the plan that a trial of the recipe showed: exactly the files that it changed."""
    by_status: dict[str, list[str]] = {"A": [], "D": [], "M": []}
    for delta in diff.files:
        by_status["M" if delta.status not in by_status else delta.status].append(delta.path)
    command = " ".join(recipe.run)
    return Plan(
        title=recipe.title,
        approach=f"Run `{command}`, without a model. {recipe.why}".strip(),
        kind=Kind(recipe.kind),
        create=tuple(sorted(by_status["A"])),
        modify=tuple(sorted(by_status["M"])),
        delete=tuple(sorted(by_status["D"])),
        test_plan=("The existing tests pass on the changed files.",),
        usage="Nothing to do: nothing that users see was meant to change.",
        lines_estimate=diff.lines,
    )


def request_of(recipe: Recipe, by: Actor, at: datetime, *, scheduled: bool) -> Request:
    """Return the request for a task that follows the recipe."""
    return Request(
        text=recipe.title,
        requested_by=by,
        requested_at=at,
        source=Source.CRON if scheduled else Source.CLI,
        severity=Severity.LOW,
        recipe=recipe.name,
    )


def slot_of(recipe: Recipe, now: datetime) -> str:
    """Return the key of the stretch of time in which a recipe is tried once by itself; empty when it never is."""
    if recipe.every_hours <= 0:
        return ""
    return f"recipe/{recipe.name}/{int(now.timestamp() // (recipe.every_hours * HOUR_SECONDS))}"


def _kinds() -> str:
    return ", ".join(sorted(kind.value for kind in _KINDS))


def _fault(recipe: Recipe, why: str) -> YourFault:
    return YourFault(
        "recipe_invalid", f"The recipe {recipe.name!r} {why}.", "correct [[recipe]] in keelway.toml"
    )
