"""Usage: booked once per key, summed up by what people ask, and added up in the row of the task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, insert, literal, select, update

from keelway.core.codec import from_json, to_json
from keelway.core.errors import OurFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.usage import GROUPS, UsageEntry, UsageSource, UsageTotal
from keelway.core.rule.allowance import SPEND, Raise, Spending
from keelway.store.books.shelf import ROWS_MAX, Shelf
from keelway.store.books.tasks import named_task
from keelway.store.chain.journal import Entry
from keelway.store.tables import EVENTS, QUESTIONS, TASKS, USAGE

_COLUMNS = tuple(name for name in UsageEntry.__dataclass_fields__ if name != "source")
_TOKENS = USAGE.c.input_tokens + USAGE.c.output_tokens


def _sum(column: ColumnElement[Any], *where: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((and_(*where), column), else_=0)), 0)


_COUNTED = USAGE.c.counted.is_(True)
_METERED = USAGE.c.source == UsageSource.METERED.value
_REPORTED = USAGE.c.source == UsageSource.REPORTED.value
_SUMS: dict[str, ColumnElement[Any]] = {
    "input_tokens": _sum(USAGE.c.input_tokens, _COUNTED),
    "output_tokens": _sum(USAGE.c.output_tokens, _COUNTED),
    "cached_tokens": _sum(USAGE.c.cached_tokens, _COUNTED),
    "cost_usd": _sum(USAGE.c.cost_usd, _COUNTED),
    "metered_tokens": _sum(_TOKENS, _METERED),
    "metered_usd": _sum(USAGE.c.cost_usd, _METERED),
    "reported_tokens": _sum(_TOKENS, _REPORTED),
    "reported_usd": _sum(USAGE.c.cost_usd, _REPORTED),
    "estimated_usd": _sum(USAGE.c.cost_usd, _COUNTED, USAGE.c.estimated.is_(True)),
    "requests": _sum(literal(1), _METERED),
    "runs": _sum(literal(1), _REPORTED),
}


class Usage(Shelf):
    """Keep what models and agents used."""

    def book_usage(self, entry: UsageEntry) -> bool:
        """Book what a request or a run used, once per key; tell whether it was new.

        Raises:
            YourFault: there is no such task.
        """
        with self._journal.entry() as book:
            known = select(USAGE.c.id).where(USAGE.c.key == entry.key)
            if book.connection.execute(known).first() is not None:
                return False
            task = _task(book, entry.task) if entry.task else None
            columns = {name: getattr(entry, name) for name in _COLUMNS} | {
                "task": task.id if task else "",
                "stage": entry.stage or (task.stage if task else ""),
                "source": entry.source.value,
                "day": f"{entry.at.astimezone(UTC):%Y-%m-%d}",
            }
            book.connection.execute(insert(USAGE).values(**columns))
            if task:
                _add_up(book, task.id)
            shown = to_json(entry) | {"task": columns["task"], "stage": columns["stage"]}
            # Not among the events of the task: its requests are far more than everything else that happens to it.
            book.append(Event(EventKind.USAGE_BOOKED, book.at, data=shown))
            return True

    def usage(
        self, *, task: str = "", since: datetime | None = None, by: Sequence[str] = ("task",)
    ) -> tuple[UsageTotal, ...]:
        """Sum up what was used, in the order of the values it is grouped by.

        Raises:
            OurFault: there is no such group.
        """
        if unknown := sorted(set(by) - set(GROUPS)):
            raise OurFault(
                "unknown_group",
                f"Usage is not summed up by {', '.join(unknown)}.",
                f"use {', '.join(GROUPS)}",
            )
        groups = [USAGE.c[name] for name in by]
        query = select(*groups, *(column.label(name) for name, column in _SUMS.items())).limit(ROWS_MAX)
        if task:
            query = query.where(USAGE.c.task.in_(select(TASKS.c.id).where(named_task(task))))
        if since is not None:
            query = query.where(USAGE.c.at >= since)
        return tuple(_total(row) for row in self._journal.read(query.group_by(*groups).order_by(*groups)))

    def spent_usd(self, since: datetime | None = None) -> float:
        """Return what everything cost since an instant, or ever."""
        query = select(_SUMS["cost_usd"])
        if since is not None:
            query = query.where(USAGE.c.at >= since)
        return float(self._journal.read(query)[0][0])

    def spending(self, task: str, stage: str = "") -> Spending:
        """Return everything that the caps of a task are compared with, as of now."""
        rows = self._journal.read(select(TASKS.c.id).where(named_task(task)))
        mine, today = rows[0].id if rows else "", f"{self._journal.clock():%Y-%m-%d}"
        own = self._figures(
            {
                "stage_usd": _sum(USAGE.c.cost_usd, _COUNTED, USAGE.c.stage == stage),
                "task_usd": _sum(USAGE.c.cost_usd, _COUNTED),
                "task_tokens": _sum(_TOKENS, _COUNTED),
                "task_day_usd": _sum(USAGE.c.cost_usd, _COUNTED, USAGE.c.day == today),
            },
            and_(USAGE.c.task == mine, USAGE.c.task != ""),
        )
        day = self._figures({"day_usd": _SUMS["cost_usd"]}, USAGE.c.day == today)
        # The tasks hold their own sums, so that this does not grow with every request that ever was.
        nobodys = self._figures({"project_usd": _SUMS["cost_usd"]}, USAGE.c.task == "")["project_usd"]
        tasks = self._journal.read(select(func.coalesce(func.sum(TASKS.c.cost_usd), 0)))[0][0]
        return Spending(
            stage,
            today,
            own["stage_usd"],
            own["task_usd"],
            int(own["task_tokens"]),
            own["task_day_usd"],
            day["day_usd"],
            float(tasks) + nobodys,
            self._raises(mine),
            self._asked(mine),
        )

    def _figures(self, sums: dict[str, ColumnElement[Any]], where: ColumnElement[bool]) -> dict[str, float]:
        query: Select[Any] = select(*(column.label(name) for name, column in sums.items())).where(where)
        return {name: float(value) for name, value in self._journal.read(query)[0]._mapping.items()}  # noqa: SLF001

    def _raises(self, task: str) -> tuple[Raise, ...]:
        query = select(EVENTS.c.body).where(
            EVENTS.c.task == task, EVENTS.c.kind == EventKind.BUDGET_RAISED.value
        )
        bodies = [row.body for row in self._journal.read(query.order_by(EVENTS.c.sequence))] if task else []
        return tuple(from_json(Raise, json.loads(body)["data"]["raise"]) for body in bodies)

    def _asked(self, task: str) -> tuple[str, ...]:
        still_open = (QUESTIONS.c.approval.is_(None), QUESTIONS.c.voided_at.is_(None))
        about = (QUESTIONS.c.task == task, QUESTIONS.c.action == SPEND)
        rows = self._journal.read(select(QUESTIONS.c.id).where(*about, *still_open)) if task else ()
        return tuple(row.id for row in rows)


def _task(book: Entry, task: str) -> Row[Any, Any]:
    row = book.connection.execute(select(TASKS.c.id, TASKS.c.stage).where(named_task(task))).first()
    if row is None:
        raise YourFault("unknown_task", f"There is no task {task[:80]!r}.", "keelway tasks")
    return row


def _add_up(book: Entry, task: str) -> None:
    total = select(_SUMS["cost_usd"]).where(USAGE.c.task == task).scalar_subquery()
    book.connection.execute(
        update(TASKS).where(TASKS.c.id == task).values(cost_usd=total, updated_at=book.at)
    )


def _total(row: Row[Any]) -> UsageTotal:
    kinds = {name: type(getattr(UsageTotal, name)) for name in UsageTotal.__dataclass_fields__}
    return UsageTotal(**{name: kinds[name](value) for name, value in row._mapping.items()})  # noqa: SLF001
