"""What a person orders directly: take a release back, deploy a commit, drill, settle drift, bring git back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from keelway.core.codec import from_json, to_json
from keelway.ports.engine import Conductor, Story
from keelway.routines import manual, unwind
from keelway.routines.back import branch, drift
from keelway.routines.back.drill import drill
from keelway.routines.context import Context
from keelway.routines.order import (
    BranchOrder,
    DeployOrder,
    Done,
    DriftOrder,
    DrillOrder,
    LandOrder,
    RollbackOrder,
)
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


class Ordered(Protocol):
    """Have an id, which names the run."""

    @property
    def id(self) -> str:
        """Return it."""
        ...


T = TypeVar("T", bound=Ordered)


def _story(kind: type[T], verb: Callable[[Context, T], Done]) -> Story:
    """Make the story of an order that is one stage."""

    async def tell(conductor: Conductor, payload: Any) -> Any:
        """Carry the order out."""
        order = from_json(kind, payload)
        try:
            return to_json(await Narrator(conductor, order.id).stage(verb, order))
        except (StageFailed, Aborted, Rework) as end:
            return to_json(Done(ok=False, message=str(end)))

    return tell


BACK_STORIES: dict[str, Story] = {
    "drill": _story(DrillOrder, drill),
    "drift": _story(DriftOrder, drift.settle_drift),
    "branch": _story(BranchOrder, branch.prepare_branch),
    "land": _story(LandOrder, branch.land_branch),
}
"""The orders about the way back besides the rollback itself."""
