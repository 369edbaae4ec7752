"""What a person orders directly: take a release back, or deploy a commit."""

from __future__ import annotations

from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.ports.engine import Conductor
from keelway.routines import manual, unwind
from keelway.routines.order import DeployOrder, Done, RollbackOrder
from keelway.routines.outcome import Aborted, Rework, StageFailed
from keelway.workflows.narrator import Narrator


async def rollback(conductor: Conductor, payload: Any) -> Any:
    """Take a release back."""
    order = from_json(RollbackOrder, payload)
    try:
        return to_json(await Narrator(conductor, order.id).stage(unwind.roll_back, order))
    except (StageFailed, Aborted, Rework) as end:
        return to_json(Done(ok=False, message=str(end)))


async def deploy(conductor: Conductor, payload: Any) -> Any:
    """Deploy a commit of a protected branch."""
    order = from_json(DeployOrder, payload)
    try:
        return to_json(await Narrator(conductor, order.id).stage(manual.deploy_by_hand, order))
    except (StageFailed, Aborted, Rework) as end:
        return to_json(Done(ok=False, message=str(end)))
