"""Have a finished patch reviewed by the role that can block or comment, once for each commit and plan."""

from __future__ import annotations

from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault
from keelway.core.model.event import EventKind
from keelway.core.model.handover import TestedPatch
from keelway.core.prompt import ReviewBrief, review_prompt
from keelway.core.review.judge import OFF
from keelway.core.review.review import Review, Reviewed, parse_review
from keelway.core.words.review import review_comment
from keelway.ports.agent import AgentLimits, Assignment, Effort, Stop
from keelway.ports.forge import Pull
from keelway.routines.context import Context
from keelway.routines.fence import insist_on_fence
from keelway.routines.purse import Purse

_NOTED = "review noted"
_EVENTS_MAX = 10_000


def review_room(task: str) -> str:
    """Return the name of the workspace in which the changes of a task are reviewed."""
    return f"{task}-review"


def reviewed(ctx: Context, patch: TestedPatch, pull: Pull) -> Reviewed | None:
    """Return what the reviewer says about a patch, ``None`` when the policy has no reviewer.

    Entered again, the stage gets what was said about the same commit under the same plan.
    """
    mode, version = ctx.policy.review.reviewer, patch.approved.version
    if mode == OFF:
        return None
    if not ctx.engine.patch("reviewer"):
        fault = "This run began before the policy asked for a reviewer."
        return Reviewed(patch.head_sha, version, None, fault)
    found, noted = _kept(ctx, patch)
    if found is None:
        found = _review(ctx, patch)
        ctx.record(EventKind.REVIEWED, "reviewed", **to_json(found))
    if not noted:
        text = review_comment(patch.task, found, mode)
        ctx.act(_NOTED, ctx.forge.comment, pull.number, text, key=_key(ctx, patch))
    return found


def _key(ctx: Context, patch: TestedPatch) -> str:
    """Name the comment by what it is about, not by the entry: it is the same after a fault."""
    return f"{ctx.scene.subject}/review/{patch.head_sha}/{patch.approved.version}/{_NOTED}"


def _kept(ctx: Context, patch: TestedPatch) -> tuple[Reviewed | None, bool]:
    """Return the review that an earlier entry got, and whether it stands beside the pull request."""

    def look() -> Any:
        review, noted = None, False
        for link in ctx.ledger.events(task=ctx.scene.subject, limit=_EVENTS_MAX):
            event = link.event
            if event.kind is EventKind.REVIEWED:
                same = from_json(Reviewed, event.data).about(patch.head_sha, patch.approved.version)
                review, noted = (event.data, False) if same else (None, False)
            elif event.kind is EventKind.EFFECT_DONE and event.data.get("effect") == _NOTED:
                noted = review is not None
        return [review, noted]

    review, noted = ctx.engine.step("review kept", look)
    return (None if review is None else from_json(Reviewed, review)), bool(noted)


def _review(ctx: Context, patch: TestedPatch) -> Reviewed:
    """Ask until there is a review or the tries are spent; what was wrong is told to the next try.

    Raises:
        StageFailed: the requester is not trusted and the reviewer is not fenced well enough here.
    """
    insist_on_fence(ctx, patch.task.request)
    budget, said = ctx.policy.budget.review, ""
    diff = ctx.read("review patch", ctx.forge.patch, patch.base_sha, patch.head_sha)
    for attempt in range(1, max(1, budget.attempts_max) + 1):
        remarks = (said,) if said else ()
        prompt_number = (ctx.scene.attempt - 1) * max(1, budget.attempts_max) + attempt
        prompt = review_prompt(patch, prompt_number, ReviewBrief(diff=diff, remarks=remarks))
        effort = _work(ctx, patch, attempt, prompt_number, prompt)
        try:
            return Reviewed(patch.head_sha, patch.approved.version, _review_of(effort))
        except TheirFault as fault:
            said = fault.message
    return Reviewed(patch.head_sha, patch.approved.version, None, said[:1_000])


def _review_of(effort: Effort) -> Review:
    if effort.stop is not Stop.COMPLETED:
        said = f"The agent ended with {effort.stop.value}. {effort.detail}".strip()
        raise TheirFault("agent_stopped", said)
    return parse_review(effort.text)


def _work(ctx: Context, patch: TestedPatch, attempt: int, number: int, prompt: str) -> Effort:
    """Let the agent read in a workspace of its own, which holds exactly the reviewed tree and is thrown away."""
    task, policy, budget = patch.task.name, ctx.policy.development, ctx.policy.budget.review
    name = review_room(task)
    room = ctx.act(f"review workspace:{attempt}", ctx.sandbox.reset, name, patch.head_sha, patch.base_sha)
    limits = AgentLimits(
        wall_seconds=budget.attempt_seconds_max,
        silence_seconds=policy.silence_seconds_max,
        tool_calls_max=policy.tool_calls_max,
    )
    order = Assignment(task, "review", number, room.path, prompt, limits, writes=False)
    purse = Purse(ctx, patch.task)
    effort = purse.work(f"review:{attempt}", order, {})
    ctx.act(f"review workspace closed:{attempt}", ctx.sandbox.close, name)
    if purse.cut(effort, f"review:{attempt}"):
        purse.afford(f"more:{attempt}", {}, cut=True)
    return effort
