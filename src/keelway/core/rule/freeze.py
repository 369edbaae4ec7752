"""The emergency stop: hold every effect, but let a rollback that has begun finish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keelway.core.model.verdict import Finding, held, passed


@dataclass(frozen=True)
class Freeze:
    """Tell whether the emergency stop is pulled, by whom and why."""

    active: bool = False
    by: str = ""
    reason: str = ""
    since: datetime | None = None


def judge_effect(freeze: Freeze, effect: str, *, rollback_begun: bool) -> Finding:
    """Decide whether ``effect`` (such as ``"target.deploy"``) may happen now.

    Args:
        freeze: the stop as read just before the effect.
        effect: the name of the effect, for the record.
        rollback_begun: the effect is a step of a rollback that started before the stop.
    """
    if not freeze.active:
        return passed("not_frozen", f"No freeze is in force; {effect} may go on.")
    if rollback_begun:
        return passed("rollback_finishes", f"A freeze is in force, but {effect} finishes a begun rollback.")
    since = f" since {freeze.since:%Y-%m-%d %H:%M} UTC" if freeze.since else ""
    why = f": {freeze.reason}" if freeze.reason else ""
    return held(
        "freeze_in_force",
        f"{effect} is held by the freeze of {freeze.by or 'an unknown person'}{since}{why}. "
        "Next: keelway unfreeze.",
    )
