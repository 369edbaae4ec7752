"""Bring git back as well: a branch and a pull request with the tree of a release, to be merged by a person's word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.project import PRODUCTION
from keelway.core.words.back import back_body, back_commit, back_title
from keelway.ports.forge import Merge, Pull, PullDraft
from keelway.routines.context import Context
from keelway.routines.order import BranchOrder, Done, LandOrder
from keelway.routines.outcome import StageFailed, outcome_of, raise_error

PREFIX = "rollback/"


def prepare_branch(ctx: Context, order: BranchOrder) -> Done:
    """Open the pull request that a person ordered; nothing that runs is touched.

    Raises:
        StageFailed: the branch has that tree already.
    """
    entries = ctx.read("history", ctx.ledger.deployments, order.environment)
    later = [entry for entry in entries if entry.release != order.release and entry.status != "failed"]
    undone = [f"{entry.release} (commit {entry.sha[:12]})" for entry in later[:20]]
    pull = open_back_pull(ctx, order, undone)
    if pull is None:
        raise StageFailed("nothing_to_undo", f"The branch has the tree of {order.release} already.")
    return Done(ok=True, message=said_of(pull), release=order.release)


def said_of(pull: Pull) -> str:
    """Return what a person is told about a rollback's pull request."""
    return (
        f"Pull request #{pull.number} ({pull.head}) brings {pull.base} back. "
        f"Nothing is merged until you say so: keelway rollback --land {pull.number}"
    )


def open_back_pull(ctx: Context, order: BranchOrder, undone: Iterable[str]) -> Pull | None:
    """Make the branch on top of what there is now and open its pull request; ``None`` when nothing differs."""
    branches, sha = ctx.project.branches, order.sha
    base = branches.production if order.environment == PRODUCTION else branches.integration
    head = ctx.read("back:head", ctx.forge.head, base)
    paths = _paths(ctx, head, sha)
    if not paths:
        return None
    same = ctx.read("back:tree", ctx.forge.compose, head, sha, paths)
    branch = f"{PREFIX}{order.environment}-{sha[:7]}-{order.id[-6:].lower()}"
    message = back_commit(order.environment, order.release, sha, order.reason)
    made = ctx.act("rollback branch", ctx.forge.rebase, same, head, message, branch)
    draft = PullDraft(
        "",
        back_title(order.environment, order.release),
        back_body(order.environment, order.release, sha, order.reason, undone),
        base,
        branch,
        made.head_sha,
        ("rollback",),
    )
    return ctx.act("rollback pull", ctx.forge.open_pull, draft, key=ctx.key("rollback pull"))


def land_branch(ctx: Context, order: LandOrder) -> Done:
    """Merge the pull request of a rollback because a person said so, and bring it to the other branch as well.

    Raises:
        StageFailed: it is none, it is not open, or its branch moved since.
    """
    pull = ctx.read("pull", ctx.forge.pull, order.pull)
    _insist(ctx, pull)
    merge = ctx.act(
        "land",
        ctx.forge.merge,
        pull.number,
        head_sha=pull.head_sha,
        base_sha=pull.base_sha,
        message=f"{pull.title} (#{pull.number})\n\nApproved-by: {order.by}\n",
        squash=True,
        key=ctx.key("land"),
    )
    comment = f"Merged by the word of {order.by}."
    ctx.act("landed comment", ctx.forge.comment, pull.number, comment, key=ctx.key("landed comment"))
    ctx.record(EventKind.REVERTED, "landed", branch=pull.base, bad_sha=merge.previous_sha, sha=merge.sha)
    freed = _free(ctx, merge)
    spread = _spread(ctx, pull, merge)
    said = f"{pull.base} is at {merge.sha[:12]}, as #{pull.number} made it.{freed}{spread}"
    return Done(ok=True, message=said)


def _insist(ctx: Context, pull: Pull) -> None:
    if not pull.head.startswith(PREFIX) or pull.base not in ctx.project.branches.protected:
        raise StageFailed("no_rollback_pull", f"#{pull.number} is no pull request of a rollback.")
    head = ctx.read("base now", ctx.forge.head, pull.base)
    if pull.state == "open" and head != pull.base_sha:
        said = f"{pull.base} moved since #{pull.number} was opened; merged now, it would undo other work."
        raise StageFailed("base_moved", said, "keelway rollback ENVIRONMENT --to RELEASE --prepare")


def _paths(ctx: Context, head: str, sha: str) -> tuple[str, ...]:
    """Return which paths differ; the texts of the difference are no part of the record."""
    plain = ctx.engine.step("back:paths", lambda: outcome_of(lambda: sorted(ctx.forge.diff(head, sha).paths)))
    raise_error(plain)
    return tuple(plain["ok"])


def _free(ctx: Context, merge: Merge) -> str:
    """Note the merge as the revert of every quarantined commit that the branch held."""
    freed = 0
    for number, entry in enumerate(ctx.read("quarantined", ctx.ledger.quarantined)):
        held = not entry.revert_sha and ctx.read(
            f"held:{number}", ctx.forge.contains, entry.sha, merge.previous_sha
        )
        if held:
            ctx.book(f"freed:{number}", ctx.ledger.quarantine, replace(entry, revert_sha=merge.sha))
            freed += 1
    return f" It is the revert of {freed} quarantined commit(s)." if freed else ""


def _spread(ctx: Context, pull: Pull, merge: Merge) -> str:
    """Merge the production branch into the integration branch, so that the next promotion ships the same."""
    branches = ctx.project.branches
    if pull.base != branches.production or branches.production == branches.integration:
        return ""
    draft = PullDraft(
        "",
        f"revert: bring {pull.title.removeprefix('revert: ')} to {branches.integration}",
        f"What #{pull.number} undid on {branches.production} is undone here as well.",
        branches.integration,
        branches.production,
        merge.sha,
        ("rollback",),
    )
    try:
        other = ctx.act("spread pull", ctx.forge.open_pull, draft, key=ctx.key("spread pull"))
        base_sha = ctx.read("integration", ctx.forge.head, branches.integration)
        ctx.act(
            "spread",
            ctx.forge.merge,
            other.number,
            head_sha=merge.sha,
            base_sha=base_sha,
            message=f"{draft.title} (#{other.number})\n",
            squash=False,
            key=ctx.key("spread"),
        )
    except KeelwayError as error:
        return f" {branches.integration} could not follow: {error.message} Merge {branches.production} into it by hand."
    return f" {branches.integration} follows."
