"""Do by a recipe what else an agent does: the trial that becomes the plan, and the work itself."""

from __future__ import annotations

from keelway.core.model.event import EventKind
from keelway.core.model.handover import Admitted
from keelway.core.model.plan import Plan
from keelway.core.model.recipe import ROLE, find_recipe, plan_of
from keelway.core.model.task import Task
from keelway.core.release.undoing import undoing_plan, undone_task
from keelway.ports.agent import AgentLimits, Assignment, Stop
from keelway.ports.sandbox import Workspace
from keelway.routines.back.feature import feature_of, undo_feature
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed


def carry_out(ctx: Context, task: Task, number: int, room: Workspace) -> None:
    """Run the recipe of a task once in a workspace, or undo in it what another task merged.

    Raises:
        YourFault: the configuration does not have the recipe any more.
        StageFailed: its command did not succeed; another try would do the same again.
    """
    if undone_task(task.request.recipe):
        undo_feature(ctx, task, number, room)
        return
    recipe = find_recipe(ctx.project.recipes, task.request.recipe)
    limits = AgentLimits(wall_seconds=recipe.seconds_max)
    effort = ctx.act(
        f"recipe:{number}",
        ctx.agent.work,
        Assignment(task.name, ROLE, number, room.path, recipe.name, limits),
    )
    ctx.record(
        EventKind.AGENT_FINISHED, f"recipe:{number}", stop=effort.stop.value, agent=effort.agent, cost_usd=0.0
    )
    if effort.stop is not Stop.COMPLETED:
        raise StageFailed(f"recipe_{effort.stop.value}", f"The recipe {recipe.name} failed. {effort.detail}")


def trial(ctx: Context, admitted: Admitted, base_sha: str, version: int) -> Plan:
    """Try the recipe out on the present base; the files that it changes are the plan.

    Raises:
        StageFailed: the recipe failed, or changed nothing.
    """
    task, branch = admitted.task, f"{ctx.project.branches.feature_prefix}{admitted.task.number}-trial"
    room = ctx.act("workspace:1", ctx.sandbox.open, f"{task.name}-plan", base_sha, "plan")
    carry_out(ctx, task, version, room)
    tried = ctx.act("trial", ctx.sandbox.collect, room, base_sha, _title(ctx, task), branch)
    ctx.act("workspace closed:1", ctx.sandbox.close, f"{task.name}-plan")
    if not tried.changed:
        raise StageFailed("nothing_to_do", f"The recipe {task.request.recipe} changes nothing any more.")
    diff = ctx.read("trial diff", ctx.forge.diff, base_sha, tried.head_sha)
    ctx.act("trial forgotten", ctx.forge.delete_branch, branch, key=ctx.key("trial forgotten"))
    if undone_task(task.request.recipe):
        row, _ = feature_of(ctx, task, version)
        return undoing_plan(row.task.name, str((row.plan or {}).get("title", row.task.request.text)), diff)
    return plan_of(find_recipe(ctx.project.recipes, task.request.recipe), diff)


def _title(ctx: Context, task: Task) -> str:
    if undone_task(task.request.recipe):
        return task.request.text
    return find_recipe(ctx.project.recipes, task.request.recipe).title
