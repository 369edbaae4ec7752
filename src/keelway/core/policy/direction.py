"""Say of every threshold which way is stricter, so that a ceiling knows what a loosening is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from keelway.core.policy.policy import Policy


class Stricter(StrEnum):
    """Name the way in which a threshold gets stricter."""

    LOWER = "lower"
    HIGHER = "higher"
    MORE = "more entries"
    FEWER = "fewer entries"
    EARLIER = "earlier in its order"
    FIXED = "neither way"


@dataclass(frozen=True)
class Direction:
    """Say how two values of a threshold compare."""

    stricter: Stricter
    order: tuple[Any, ...] = ()
    """For ``EARLIER``: the values from the strictest to the loosest."""
    unbounded: Any = None
    """The value that stands for no bound at all, and is looser than every other one."""

    @property
    def sentence(self) -> str:
        """Return it in words."""
        if self.stricter is Stricter.EARLIER:
            return "strictest first: " + ", ".join(str(value).lower() for value in self.order)
        if self.stricter is Stricter.FIXED:
            return "a ceiling fixes it"
        bound = "" if self.unbounded is None else f"; {_plain(self.unbounded)} is no bound"
        return f"{self.stricter.value} is stricter{bound}"

    def loosens(self, ceiling: Any, value: Any) -> bool:
        """Tell whether ``value`` is looser than ``ceiling`` allows, both of the type of the threshold."""
        if value == ceiling:
            return False
        if self.unbounded is not None and self.unbounded in (ceiling, value):
            return bool(ceiling != self.unbounded)
        if self.stricter is Stricter.EARLIER:
            ceiling, value = self._place(ceiling), self._place(value)
        return not _WITHIN[self.stricter](ceiling, value)

    def _place(self, value: Any) -> int:
        """Return the place in the order; an unknown word is the loosest of all."""
        return self.order.index(value) if value in self.order else len(self.order)


def _plain(value: Any) -> str:
    return "an empty list" if value == () else f"{value:g}"


def _holds(larger: Any, smaller: Any) -> bool:
    """Tell whether one collection holds everything of another, tables of lists entry by entry."""
    if isinstance(larger, Mapping):
        return all(set(larger.get(name, ())) >= set(entries) for name, entries in smaller.items())
    return set(larger) >= set(smaller)


_WITHIN: dict[Stricter, Callable[[Any, Any], bool]] = {
    Stricter.LOWER: lambda ceiling, value: bool(value <= ceiling),
    Stricter.EARLIER: lambda ceiling, value: bool(value <= ceiling),
    Stricter.HIGHER: lambda ceiling, value: bool(value >= ceiling),
    Stricter.MORE: lambda ceiling, value: _holds(value, ceiling),
    Stricter.FEWER: _holds,
    Stricter.FIXED: lambda ceiling, value: bool(value == ceiling),
}
"""Whether a value is as strict as its ceiling."""

_LOWER, _HIGHER, _MORE, _FEWER, _FIXED = (
    Direction(way) for way in (Stricter.LOWER, Stricter.HIGHER, Stricter.MORE, Stricter.FEWER, Stricter.FIXED)
)
_NO_BOUND = Direction(Stricter.LOWER, unbounded=0)
_RISKS = Direction(Stricter.EARLIER, ("none", "low", "medium"))
_TRUE_FIRST, _FALSE_FIRST = (
    Direction(Stricter.EARLIER, (True, False)),
    Direction(Stricter.EARLIER, (False, True)),
)

DIRECTIONS: dict[str, Direction] = {
    "intake.allowed_triggers": Direction(Stricter.EARLIER, ("none", "owner", "all")),
    "intake.allowed_actors": _FEWER,
    "intake.domain_words": Direction(Stricter.FEWER, unbounded=()),
    "plan.auto_approve_risk": _RISKS,
    "plan.lines_medium": _LOWER,
    "plan.lines_high": _LOWER,
    "plan.files_medium": _LOWER,
    "development.black_box": Direction(Stricter.EARLIER, ("required", "when_configured", "off")),
    "development.flaky_runs": _LOWER,
    "development.undo": _TRUE_FIRST,
    "dependency.licences": Direction(Stricter.FEWER, unbounded=()),
    "dependency.hosts": _FEWER,
    "scan.tools": _MORE,
    "guardrail.forbidden": _MORE,
    "guardrail.owned": _MORE,
    "category.never_auto_deploy": _MORE,
    "category.always_review": _MORE,
    "category.auto_safe": _FEWER,
    "category.deploy_consent": Direction(Stricter.EARLIER, ("deploy", "merge", "plan")),
    "category.paths": _MORE,
    "autonomy.asked_first": _HIGHER,
    "autonomy.low_first": _HIGHER,
    "review.auto_merge_risk": _RISKS,
    "review.approve_stages": _MORE,
    "review.approval_expiry": Direction(Stricter.EARLIER, ("deny", "escalate", "wait")),
    "review.escalate_to": _FEWER,
    "review.reminder_seconds": _LOWER,
    "review.reviewer": Direction(Stricter.EARLIER, ("required", "advisory", "off")),
    "review.single_user": _FALSE_FIRST,
    "budget.task_cost_usd_max": _NO_BOUND,
    "budget.task_tokens_max": _NO_BOUND,
    "budget.extra_share": _LOWER,
    "gateway.day_usd_max": _NO_BOUND,
    "gateway.project_usd_max": _NO_BOUND,
    "staging.memory_mb_max": _NO_BOUND,
    "production.memory_mb_max": _NO_BOUND,
    "staging.synthetic_requests": _HIGHER,
    "production.synthetic_requests": _HIGHER,
    "staging.on_inconclusive": Direction(Stricter.EARLIER, ("hold", "pass")),
    "production.on_inconclusive": Direction(Stricter.EARLIER, ("hold", "pass")),
    "staging.window_seconds": _HIGHER,
    "production.window_seconds": _HIGHER,
    "staging.tick_seconds": _LOWER,
    "production.tick_seconds": _LOWER,
    "rollback.automatic": _TRUE_FIRST,
    "rollback.drill_hours_max": _NO_BOUND,
    "rollback.restore_data": Direction(Stricter.EARLIER, ("never", "ask", "always")),
    "migration.dry_run": Direction(Stricter.EARLIER, ("production", "staging", "off")),
    "watch.watch_seconds": _HIGHER,
    "watch.interval_seconds": _LOWER,
    "watch.rollback_armed": _TRUE_FIRST,
    "watch.regression_probes_max": _HIGHER,
    "hotfix.staging_window_seconds": _HIGHER,
    "hotfix.production_window_seconds": _HIGHER,
    "artefact.retention_days": _HIGHER,
    "artefact.log_days": _HIGHER,
    "artefact.run_days": _HIGHER,
    "artefact.backup_days": _HIGHER,
    "artefact.inline_bytes_max": _FIXED,
    "artefact.lessons_max": _FIXED,
}
"""The thresholds whose names do not say it; ``_max`` is stricter when lower, ``_min`` when higher, the rest is fixed."""


def direction_of(key: str) -> Direction:
    """Return which way a threshold gets stricter, such as ``guardrail.files_max``."""
    if key in DIRECTIONS:
        return DIRECTIONS[key]
    if key.endswith("_max"):
        return _LOWER
    return _HIGHER if key.endswith("_min") else _FIXED


def thresholds(policy: Any = None, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every threshold of a policy with its value, such as ``("plan.lines_high", 600)``."""
    policy = Policy() if policy is None else policy
    for entry in fields(policy):
        value, key = getattr(policy, entry.name), f"{above}{entry.name}"
        if is_dataclass(value):
            yield from thresholds(value, f"{key}.")
        else:
            yield key, value
