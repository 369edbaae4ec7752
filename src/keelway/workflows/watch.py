"""A day of watching, one short look at a time; between two looks nothing is held in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import SYSTEM
from keelway.ports.engine import Conductor
from keelway.routines import watching
from keelway.routines.order import RollbackOrder, WatchOrder
from keelway.routines.outcome import StageFailed
from keelway.workflows.narrator import Narrator


async def watch(conductor: Conductor, payload: Any) -> Any:
    """Look once, then order the next look or a rollback."""
    order = from_json(WatchOrder, payload)
    story = Narrator(conductor, order.task.id, order.number)
    try:
        looked = await story.stage(watching.look, order)
    except StageFailed as end:
        looked = await story.stage(watching.look, replace(order, unseen=str(end)))
    task = order.task
    if looked.roll_back:
        back = RollbackOrder(f"{task.id}:back", PRODUCTION, SYSTEM, looked.message, "", task)
        await conductor.start("rollback", back.id, to_json(back), 0.0)
    elif looked.next_delay_seconds > 0:
        following = WatchOrder(task, order.number + 1, order.deployment)
        run = f"{task.id}:watch-{following.number}"
        await conductor.start("watch", run, to_json(following), looked.next_delay_seconds)
    return to_json(looked)
