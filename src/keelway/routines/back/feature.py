"""Take one feature back: the merge of its task, undone on the present base without an agent and without a workspace."""

from __future__ import annotations

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import Task
from keelway.core.release.undoing import undone_task
from keelway.core.words.text import line
from keelway.ports.forge import Pull
from keelway.ports.ledger import TaskRow
from keelway.ports.sandbox import Workspace
from keelway.routines.context import Context
from keelway.routines.outcome import StageFailed, outcome_of, raise_error


def undo_feature(ctx: Context, task: Task, number: int, room: Workspace) -> Workspace:
    """Fill a workspace with the base as it would be without the feature.

    Raises:
        StageFailed: the feature was never merged, or later work stands on the same lines.
    """
    row, pull = feature_of(ctx, task, number)
    name = row.task.name

    def touched() -> dict[str, object]:
        return outcome_of(lambda: sorted(ctx.forge.diff(pull.base_sha, pull.merge_sha).paths))

    paths = ctx.engine.step(f"touched:{number}", touched)
    raise_error(paths)
    before = ctx.read(
        f"without:{number}", ctx.forge.compose, pull.merge_sha, pull.base_sha, tuple(paths["ok"])
    )
    branch = f"{ctx.project.branches.feature_prefix}{task.number}-undoing"
    message = f"Undo {pull.merge_sha} ({name})"
    undone = ctx.act(f"undo:{number}", ctx.forge.rebase, before, room.base_sha, message, branch)
    if undone.conflicts:
        raise StageFailed(
            "revert_conflict",
            f"Later work stands on {name}; in conflict: {line(', '.join(undone.conflicts))}.",
            f'keelway ask "Take {name} back; keep what came later"',
        )
    _forget(ctx, branch, number)
    return ctx.act(f"undone:{number}", ctx.sandbox.reset, room.task, undone.head_sha, room.base_sha)


def feature_of(ctx: Context, task: Task, number: int) -> tuple[TaskRow, Pull]:
    """Return the task that is undone, with the pull request that brought it.

    Raises:
        StageFailed: it was never merged.
    """
    row = ctx.read(f"feature:{number}", ctx.ledger.find, undone_task(task.request.recipe))
    pull = ctx.read(f"feature pull:{number}", ctx.forge.pull, row.pull_request) if row.pull_request else None
    if pull is None or pull.state != "merged":
        raise StageFailed("never_merged", f"{row.task.name} was never merged; there is nothing to undo.")
    return row, pull


def mark_undone(ctx: Context, task: Task) -> None:
    """Note that the feature is gone, once the task that undid it is live."""
    row = ctx.read("undone row", ctx.ledger.find, undone_task(task.request.recipe))
    if row.status is Status.DEPLOYED:
        ctx.book(
            "undone status",
            ctx.ledger.move,
            row.task.id,
            Status.ROLLED_BACK,
            error=f"Taken back by {task.name}.",
            code="undone",
            rolled_back_at=ctx.now(),
        )


def _forget(ctx: Context, branch: str, number: int) -> None:
    """Remove the branch that only carried the commit; on a host that may not, it stays and harms nobody."""
    name = f"undoing forgotten:{number}"
    try:
        ctx.act(name, ctx.forge.delete_branch, branch, key=ctx.key(name))
    except KeelwayError as error:
        ctx.record(EventKind.EFFECT_FAILED, f"{name}:left", effect=name, error=error.message)
