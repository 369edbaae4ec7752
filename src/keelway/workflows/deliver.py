"""From a request to production, or back: the seven stages in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.core.model.handover import ApprovedPlan, Live, Merged, Work
from keelway.core.model.task import Task
from keelway.core.policy import Policy
from keelway.ports.engine import Conductor, Story
from keelway.routines.order import Done, Undo, WatchOrder
from keelway.routines.outcome import Aborted, Rework, StageFailed
from keelway.stages import development, intake, planning, promotion, report, review, staging
from keelway.workflows.closing import CLOSE_OUT, Closing, closing_run
from keelway.workflows.narrator import Narrator

BASE_MOVES_MAX = 20
_BASE_CODES = {"base_moved", "conflict", "merge_conflict", "head_moved", "checks_stale"}


PolicyOf = Callable[[str], Policy]
"""Return the policy that a task keeps until its end, by its id."""


def deliver_under(policy_of: PolicyOf) -> Story:
    """Make the story of a task, under the policy that it keeps."""

    async def deliver(conductor: Conductor, payload: Any) -> Any:
        """Take a task through the seven stages, or hand it to the run that undoes what it did."""
        task = from_json(Task, payload)
        policy = policy_of(task.id)
        story = Narrator(conductor, task.id, policy=policy)
        try:
            live = await _bring_live(story, task, policy)
        except (StageFailed, Aborted, Rework) as end:
            closing = Closing(_undo(task, story.stage_name, end), 1)
            await conductor.start(CLOSE_OUT, closing_run(task.id), to_json(closing), 0.0)
            return to_json(closing.undo)
        try:
            closed = to_json(await story.stage(report.close, live))
        except (StageFailed, Rework) as end:  # what is live stays live, even when it cannot be reported
            closed = to_json(Done(ok=True, message=f"Live, but not reported: {end}", release=live.release))
            telling = Closing(_undo(task, story.stage_name, end), 1)
            await conductor.start(CLOSE_OUT, closing_run(task.id), to_json(telling), 0.0)
        await _begin_watch(conductor, task, live.deployment, policy)
        return closed

    return deliver


async def _bring_live(story: Narrator, task: Task, policy: Policy) -> Live:
    admitted = await story.stage(intake.admit, task)
    plan = await story.stage(planning.agree, admitted)
    merged = await _develop_and_land(story, plan, policy)
    staged = await story.stage(staging.rehearse, merged)
    return await story.stage(promotion.ship, staged)


async def _develop_and_land(story: Narrator, plan: ApprovedPlan, policy: Policy) -> Merged:
    """Develop and review until the patch is merged; reviews with findings are counted, a moving base is not."""
    work = Work(plan)
    retries = 0
    for _ in range(BASE_MOVES_MAX):
        patch = await story.stage(development.build, work)
        try:
            return await story.stage(review.land, patch)
        except Rework as again:
            if again.code not in _BASE_CODES:
                retries += 1
                work = Work(
                    plan, (again.message, *(finding.message for finding in again.findings)), again.findings
                )
            if retries > policy.review.ci_retries_max:
                raise StageFailed("review_retries_spent", again.message, findings=again.findings) from again
    raise StageFailed(
        "base_never_rests", f"The base moved {BASE_MOVES_MAX} times while the patch was tested."
    )


def _undo(task: Task, stage: str, end: StageFailed | Aborted | Rework) -> Undo:
    if isinstance(end, Aborted):
        return Undo(task, stage, "aborted", "aborted", end.by)
    return Undo(task, stage, "failed", end.code, end.message, end.findings)


async def _begin_watch(conductor: Conductor, task: Task, deployment: str, policy: Policy) -> None:
    order = WatchOrder(task, 1, deployment)
    delay = min(policy.watch.interval_seconds, policy.watch.watch_seconds)
    await conductor.start("watch", f"{task.id}:watch-1", to_json(order), delay)
