"""Look up what a planner should know, without a model: the application at its base commit, and package indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keelway.core.codec import canonical, from_json
from keelway.core.model.plan import Plan
from keelway.core.model.task import Task
from keelway.core.package.judge import packages_of
from keelway.core.package.named import packages_named
from keelway.core.package.package import PackageFacts, ecosystems_of
from keelway.core.research.facts import Facts
from keelway.core.research.gather import Reading, facts_of, plan_reading
from keelway.core.research.show import shown
from keelway.routines.context import Context
from keelway.routines.outcome import outcome_of, raise_error

ARTEFACT = "facts.json"


def research(ctx: Context, task: Task, base_sha: str, files: tuple[str, ...]) -> str:
    """Return what is known about the application for a request, as text for the planner; it is kept as an artefact.

    Args:
        ctx: of the stage run.
        task: whose request it is.
        base_sha: the commit that is planned on.
        files: every path of it.
    """
    if not ctx.engine.patch("research"):
        return ""
    facts = _facts(ctx, plan_reading(task.request, files), base_sha)
    declared = (each.name for each in facts.declared)
    named = packages_named(task.request.text, ecosystems_of(files), declared)
    if named:
        facts = replace(facts, packages=ctx.read("packages", ctx.index.look, named))
    text = canonical(facts)
    ctx.book("keep facts", ctx.ledger.save_artefact, task.id, ARTEFACT, text, "application/json")
    return shown(facts)


def look_up(ctx: Context, name: str, plan: Plan, files: tuple[str, ...]) -> tuple[PackageFacts, ...] | None:
    """Return what indexes say about the packages that a plan brings in.

    Args:
        ctx: of the stage run.
        name: of the step.
        plan: that names them.
        files: every path of the application.

    Returns:
        One answer for each package; ``None`` in a run that was recorded before packages were judged.
    """
    if not plan.dependencies:
        return ()
    if not ctx.engine.patch("dependencies"):
        return None
    packages = packages_of(plan.dependencies, ecosystems_of(files))
    return ctx.read(name, ctx.index.look, packages) if packages else ()


def _facts(ctx: Context, reading: Reading, base_sha: str) -> Facts:
    """Read and weigh in one step, so that the record holds the facts and not the files."""

    def gather() -> Any:
        return outcome_of(lambda: facts_of(reading, ctx.forge.texts(base_sha, reading.wanted)))

    plain = ctx.engine.step("facts", gather)
    raise_error(plain)
    return from_json(Facts, plain["ok"])
