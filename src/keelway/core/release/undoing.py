"""Take one feature back among many: its merge is undone by a task of its own, which passes every gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keelway.core.model.diff import Diff
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.recipe import Recipe, plan_of
from keelway.core.model.task import Actor, Request, Severity
from keelway.core.rule.sensitive import is_runner_config, is_test_path

_PREFIX = "revert-T-"
_TITLE_CHARS_MAX = 90


def undone_task(recipe: str) -> str:
    """Return the name of the task that a recipe's name means to undo, such as ``T-5``; empty for any other recipe."""
    number = recipe.removeprefix(_PREFIX)
    return f"T-{number}" if recipe.startswith(_PREFIX) and number.isascii() and number.isdigit() else ""


def undoing_request(task: str, title: str, reason: str, by: Actor, at: datetime) -> Request:
    """Return the request for a task that undoes another one in the fast lane."""
    why = f" Reason: {_line(reason)}" if reason else ""
    return Request(
        text=f"Take {task} back, and nothing else: {_line(title)}.{why}",
        requested_by=by,
        requested_at=at,
        severity=Severity.HIGH,
        hotfix=True,
        recipe=f"revert-{task}",
    )


def undoing_plan(task: str, title: str, diff: Diff) -> Plan:
    """Return the plan of an undoing: exactly the files that the revert touches.

    The tests of a feature go away with it; each is a grant, so a person sees and approves the plan.
    """
    recipe = Recipe(f"revert-{task}", run=("git", "revert"), kind=Kind.MAINTENANCE.value)
    plan = plan_of(replace(recipe, title=f'Revert "{_line(title)[:_TITLE_CHARS_MAX]}" ({task})'), diff)
    judged = (path for path in (*plan.modify, *plan.delete) if is_test_path(path) or is_runner_config(path))
    return replace(
        plan,
        approach=f"Undo what {task} merged, by git alone. Everything that came later stays.",
        test_plan=("Every other test passes without it.",),
        test_grants=tuple(sorted(judged)),
        usage=f"What {task} brought is gone.",
    )


def _line(text: str) -> str:
    return " ".join(text.split())
