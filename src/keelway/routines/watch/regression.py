"""Ask a release what the tasks before it promised."""

from __future__ import annotations

from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.project import PRODUCTION, ProbeSpec
from keelway.core.probe.regression import Promise, regression_probes
from keelway.routines.context import Context

TASKS_MAX = 500
"""Newest tasks whose promises are remembered."""


def promised(ctx: Context, environment: str, plan: Plan, *, probes_max: int) -> tuple[ProbeSpec, ...]:
    """Return the questions that live tasks left behind; nothing for a run that began before they were kept."""
    if not probes_max or not ctx.engine.patch("regression"):
        return ()

    def gather() -> Any:
        rows = ctx.ledger.tasks(limit=TASKS_MAX)
        others = [row for row in rows if row.task.id != ctx.scene.subject]
        promises = [
            Promise(row.task.name, _probes(row.plan))
            for row in others
            if row.status is Status.DEPLOYED and row.plan
        ]
        safe_only = environment == PRODUCTION
        return to_json(list(regression_probes(promises, plan, probes_max, safe_only=safe_only)))

    return tuple(from_json(ProbeSpec, plain) for plain in ctx.engine.step("promised", gather))


def _probes(plain: dict[str, Any]) -> tuple[AcceptanceProbe, ...]:
    """Read the probes of a stored plan; one that another version wrote promises nothing that can be asked."""
    try:
        return from_json(Plan, plain).probes
    except Exception:  # noqa: BLE001 - whatever the codec raises, an old plan must not hold up a new release
        return ()
