"""The second half of a delivery as a story of its own: from a landed patch to the end of its watch."""

from __future__ import annotations

from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.core.model.handover import Merged, Staged
from keelway.core.policy import Policy
from keelway.ports.engine import Conductor, Story
from keelway.routines.order import Undo, WatchOrder
from keelway.routines.outcome import Aborted, Rework, StageFailed
from keelway.stages import promotion, report, staging
from keelway.workflows.closing import CLOSE_OUT, Closing, closing_run
from keelway.workflows.narrator import Narrator

RELEASE = "release"


def release_story(policy: Policy) -> Story:
    """Make the story; what follows the merge is done by the very stages and runs of a whole delivery."""

    async def release(conductor: Conductor, payload: Any) -> Any:
        merged = from_json(Merged, payload["merged"]) if "merged" in payload else None
        staged = from_json(Staged, payload["staged"]) if "staged" in payload else None
        task = (merged or staged).task  # type: ignore[union-attr]
        story = Narrator(conductor, task.id, policy=policy)
        try:
            if staged is None:
                staged = await story.stage(staging.rehearse, merged)
            live = await story.stage(promotion.ship, staged)
        except (StageFailed, Aborted, Rework) as end:
            findings = getattr(end, "findings", ())
            undo = Undo(task, story.stage_name, "failed", getattr(end, "code", "aborted"), str(end), findings)
            await conductor.start(CLOSE_OUT, closing_run(task.id), to_json(Closing(undo, 1)), 0.0)
            return {
                "ok": False,
                "stage": undo.stage,
                "code": undo.code,
                "message": undo.message,
                "findings": [found.code for found in findings],
            }
        await story.stage(report.close, live)
        order = WatchOrder(task, 1, live.deployment)
        await conductor.start("watch", f"{task.id}:watch-1", to_json(order), policy.watch.interval_seconds)
        return {"ok": True, "stage": "", "code": "live", "message": live.judgement, "findings": []}

    return release
