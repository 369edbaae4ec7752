"""What a task left behind, and how it is cleared away: effects under way, merges, releases, rooms."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import Task
from keelway.core.release.leftover import LostMerge, lost_merges, open_effects
from keelway.core.words.commit import revert_message
from keelway.ports.forge import Pull
from keelway.ports.ledger import Quarantine, TaskRow
from keelway.routines.ask import tell
from keelway.routines.context import Context
from keelway.routines.role.reviewer import review_room
from keelway.routines.wayback import TakenBack, take_back_unsettled

LET_END_SECONDS_MAX = 60.0
"""How long an effect that was under way when its run was cut off may take to end."""

_LOOK_SECONDS = 1.0
_EVENTS_MAX = 10_000


def let_effects_end(ctx: Context, task: Task) -> None:
    """Wait until nothing of a cut-off run is under way any more, or its time is over.

    The intent of an effect is in the book before its run looks for an abort, so none can begin later.
    """
    for look in range(1, int(LET_END_SECONDS_MAX / _LOOK_SECONDS) + 1):

        def under_way() -> list[str]:
            return list(
                open_effects(link.event for link in ctx.ledger.events(task=task.id, limit=_EVENTS_MAX))
            )

        if not ctx.engine.step(f"under way:{look}", under_way):
            return
        ctx.sleep(_LOOK_SECONDS)


def note_lost_merges(ctx: Context, task: Task, row: TaskRow) -> None:
    """Ask the forge about merges that a cut-off run began and could not note, and note those that happened."""
    links = ctx.read("events of the cut", ctx.ledger.events, task=task.id, limit=_EVENTS_MAX)
    noted = {link.event.data["sha"] for link in links if link.event.kind is EventKind.MERGED}
    for lost in lost_merges(link.event for link in links):
        pull = _pull_of(ctx, lost, row)
        if pull is not None and pull.state == "merged" and pull.merge_sha not in {"", *noted}:
            ctx.record(
                EventKind.MERGED,
                f"found:{lost.stage}:{lost.attempt}",
                branch=pull.base,
                sha=pull.merge_sha,
                pull_request=pull.number,
            )


def _pull_of(ctx: Context, lost: LostMerge, row: TaskRow) -> Pull | None:
    number = lost.pull_request or (row.pull_request or 0 if lost.stage == "review" else 0)
    return ctx.read(f"pull:{lost.stage}:{lost.attempt}", ctx.forge.pull, number) if number else None


def settle(
    ctx: Context, environment: str, task: str, *, also_live: bool = False, fence: bool = False
) -> TakenBack | None:
    """Take an environment back when a task that does not get through left its release there.

    With ``fence`` what a cut-off run of the task may still be doing there is refused from now on.
    """
    lease = ctx.book(
        f"lease:{environment}:{task}", ctx.ledger.lease, environment, ctx.scene.subject, past_lock=True
    )
    if lease is None:
        return None  # a newer holder owns the environment and its state
    if fence:
        newer = ctx.book(
            f"fence:{environment}:{task}",
            ctx.ledger.lease,
            environment,
            ctx.scene.subject,
            take_over=True,
        )
        lease = newer or lease
    taken = take_back_unsettled(ctx, environment, lease, task=task, also_live=also_live)
    ctx.book(f"lease back:{environment}:{task}", ctx.ledger.release, lease)
    return taken


def revert_merges(ctx: Context, task: Task, row: TaskRow, reason: str) -> tuple[str, ...]:
    """Revert every merge of a task, newest first, and bar each merged commit without its revert."""
    links = ctx.read(f"events:{task.id}", ctx.ledger.events, task=task.id, limit=10_000)
    done = {link.event.data["bad_sha"] for link in links if link.event.kind is EventKind.REVERTED}
    merges = [link.event.data for link in links if link.event.kind is EventKind.MERGED]
    reverts: list[str] = []
    title = str((row.plan or {}).get("title", task.request.text[:60]))
    for merge in reversed(merges):
        bad, branch = merge["sha"], merge["branch"]
        if bad in done:
            continue
        entry = Quarantine(bad, task.id, reason[:500], ctx.now())
        ctx.book(f"quarantine:{bad}", ctx.ledger.quarantine, entry)
        try:
            revert = ctx.act(
                f"revert:{bad}",
                ctx.forge.revert,
                branch,
                bad,
                revert_message(task, bad, title, reason),
                key=ctx.key(f"revert:{bad}"),
            )
        except KeelwayError as error:
            text = f"{bad[:12]} could not be reverted on {branch}: {error.message} It stays quarantined."
            tell(ctx, task.request.requested_by, f"{task.name}: revert by hand", text, urgent=True)
            continue
        ctx.book(f"revert noted:{bad}", ctx.ledger.quarantine, replace(entry, revert_sha=revert.sha))
        ctx.record(EventKind.REVERTED, f"reverted:{bad}", branch=branch, bad_sha=bad, sha=revert.sha)
        reverts.append(revert.sha)
    return tuple(reverts)


def close_rooms(ctx: Context, task: Task) -> None:
    """Give back what the task held; a lease that is no longer ours is left alone."""
    rooms = [("close workspace", task.name), ("close plan workspace", f"{task.name}-plan")]
    if ctx.engine.patch("close review workspace"):
        rooms.append(("close review workspace", review_room(task.name)))
    for name, room in rooms:
        try:
            ctx.act(name, ctx.sandbox.close, room)
        except KeelwayError as error:  # the clean-up at the next start finds what is left
            ctx.record(EventKind.EFFECT_FAILED, f"{name}:left", effect=name, error=error.message)
    for name in (f"lane:{ctx.project.name}", STAGING, PRODUCTION):
        lease = ctx.book(f"my lease:{name}", ctx.ledger.lease, name, task.id)
        if lease is not None:
            ctx.book(f"release lease:{name}", ctx.ledger.release, lease)
