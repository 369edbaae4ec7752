"""What may be asked about money, and about what is kept of a task."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from keelway.app.query.sources import Desk
from keelway.app.view.money import ArtefactText, ArtefactView, CapView, CostView
from keelway.core.errors import YourFault
from keelway.core.model.usage import GROUPS, UsageTotal
from keelway.core.rule.allowance import Cap, bounds_of, caps_of
from keelway.core.words.question import spent_of
from keelway.core.words.text import clean

_SPAN = re.compile(r"([0-9]{1,6})([hdw])")
_SPANS = {"h": "hours", "d": "days", "w": "weeks"}
_OF_A_TASK = ("role", "agent")
_SHARED = frozenset({"day", "project"})


class CostQueries(Desk):
    """Answer questions about money and artefacts."""

    def costs(self, *, by: tuple[str, ...] = ("task",), since: str = "", task: str = "") -> CostView:
        """Show what was used.

        Args:
            by: what it is summed up by, any of ``core.model.usage.GROUPS``.
            since: a day such as ``2026-01-31``, an instant, or a span such as ``24h``, ``7d`` or ``4w``.
            task: one task only.

        Raises:
            YourFault: there is no such task, group or time.
        """
        if unknown := sorted(set(by) - set(GROUPS)):
            raise YourFault(
                "unknown_group",
                f"Costs are not summed up by {', '.join(unknown)}.",
                f"use --by {', --by '.join(GROUPS)}",
            )
        begin = _instant(since)
        wanted = self._ledger.find(task).task.id if task else ""
        lines = self._ledger.usage(task=wanted, since=begin, by=by)
        (total,) = self._ledger.usage(task=wanted, since=begin, by=())
        named = tuple(replace(line, task=self._name(line.task)) for line in lines)
        return CostView(by, begin, named, total)

    def costs_of(self, task: str) -> tuple[UsageTotal, ...]:
        """Return what a task used, by role and agent."""
        return self._ledger.usage(task=task, by=_OF_A_TASK)

    def caps_of(self, task: str, stage: str) -> tuple[CapView, ...]:
        """Return how far the caps of an open task are."""
        bounds = bounds_of(self._from.config.policy, stage)
        return tuple(map(_cap, caps_of(bounds, self._ledger.spending(task, stage))))

    def shared_caps(self) -> tuple[CapView, ...]:
        """Return how far the caps of the day and of the project are."""
        caps = caps_of(bounds_of(self._from.config.policy), self._ledger.spending(""))
        return tuple(_cap(cap) for cap in caps if cap.name in _SHARED)

    def today_usd(self) -> float:
        """Return what everything cost since midnight (UTC)."""
        return self._ledger.spending("").day_usd

    def artefacts(self, task: str) -> tuple[ArtefactView, ...]:
        """Return what is kept of a task, the newest of each name."""
        found = {
            each["name"]: ArtefactView(
                each["name"], each["reference"], each["media_type"], each["bytes"], each["created_at"]
            )
            for each in self._ledger.artefacts(self._ledger.find(task).task.id)
        }
        return tuple(found.values())

    def artefact(self, task: str, name: str) -> ArtefactText:
        """Return the content of something that is kept.

        Raises:
            YourFault: there is no such thing, or its time is over.
        """
        row = self._ledger.find(task)
        for each in self.artefacts(row.task.id):
            if each.name == name:
                text = clean(self._ledger.artefact(each.reference))
                return ArtefactText(row.task.name, name, each.reference, text)
        raise YourFault(
            "unknown_artefact", f"{row.task.name} has no {name[:80]!r}.", f"keelway show {row.task.name}"
        )


def _cap(cap: Cap) -> CapView:
    return CapView(cap.name, cap.setting, cap.unit, cap.used, cap.in_force, cap.left, spent_of(cap))


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    span = _SPAN.fullmatch(text.strip())
    try:
        if span:
            return datetime.now(UTC) - timedelta(**{_SPANS[span[2]]: int(span[1])})
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError) as problem:
        raise YourFault(
            "bad_time", f"{text[:40]!r} is no time.", "use 24h, 7d, 4w, or a day such as 2026-01-31"
        ) from problem
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
