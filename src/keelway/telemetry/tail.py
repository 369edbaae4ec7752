"""Count what the audit chain tells, event by event: whichever worker did it, it is counted once.

Nothing is scanned: a start reads the tasks once, every later look reads the events that are new.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import CLOSED, START
from keelway.core.model.usage import UsageSource
from keelway.telemetry.instruments import Instruments

BATCH = 1_000
EVENTS_MAX = 5_000
"""Events read at one look; the rest is read at the next one, and shown as ``behind`` meanwhile."""

STARTS_MAX = 10_000
"""Stage runs under way whose beginning is kept in memory; that of others is looked up."""

_HEAD = text("SELECT sequence FROM keel_chain WHERE id = 1")
_BY_STATUS = text("SELECT status, count(*) AS number FROM keel_tasks GROUP BY status")
_BEGUN = text("SELECT body FROM keel_events WHERE key = :key")


class Tail:
    """Follow the chain from where it stood at the first look."""

    def __init__(self, shown: Instruments) -> None:
        self._shown = shown
        self._word = shown.words.of
        self._at: int | None = None
        self._tasks: dict[str, int] = {}
        self._begun: OrderedDict[str, datetime] = OrderedDict()
        self._count: dict[str, Callable[[Connection, Row[Any], dict[str, Any]], None]] = {
            EventKind.TASK_CREATED.value: self._created,
            EventKind.TASK_STATUS.value: self._status,
            EventKind.TASK_REFUSED.value: lambda *_: self._shown.refused.inc(),
            EventKind.STAGE_STARTED.value: self._stage_began,
            EventKind.STAGE_FINISHED.value: self._stage_ended,
            EventKind.GATE_JUDGED.value: self._judged,
            EventKind.EFFECT_DONE.value: lambda _, __, body: self._effect(body, "done"),
            EventKind.EFFECT_FAILED.value: lambda _, __, body: self._effect(body, "failed"),
            EventKind.AGENT_FINISHED.value: self._agent,
            EventKind.USAGE_BOOKED.value: self._used,
            EventKind.ROLLBACK_FINISHED.value: self._taken_back,
            EventKind.INCIDENT_OPENED.value: lambda *_: self._shown.incidents.inc(),
        }
        self._new = text(
            "SELECT sequence, kind, task, key, body FROM keel_events "
            "WHERE sequence > :after AND sequence <= :upto AND kind IN :kinds ORDER BY sequence"
        ).bindparams(bindparam("kinds", sorted(self._count), expanding=True))

    def look(self, connection: Connection, head: int) -> None:
        """Count what is new up to the head of the chain.

        Args:
            connection: inside a transaction that sees one state of the database.
            head: sequence number of the last event in it.
        """
        if self._at is None or head < self._at:  # a restored backup begins again, like a start
            self._begin(connection, head)
        at = self._at or 0
        last = min(head, at + EVENTS_MAX)
        while at < last:
            upto = min(last, at + BATCH)
            for row in connection.execute(self._new, {"after": at, "upto": upto}):
                self._one(connection, row)
            self._at = at = upto
        self._shown.events.set(head)
        self._shown.behind.set(head - at)
        self._shown.tasks.clear()
        for status, number in self._tasks.items():
            self._shown.tasks.labels(self._word("status", status)).set(number)

    def _begin(self, connection: Connection, head: int) -> None:
        self._at = head
        self._tasks = {row.status: int(row.number) for row in connection.execute(_BY_STATUS)}
        self._begun.clear()

    def _one(self, connection: Connection, row: Row[Any]) -> None:
        try:
            self._count[row.kind](connection, row, json.loads(row.body))
        except (KeyError, TypeError, ValueError, AttributeError):
            return  # an event of another version that cannot be counted must not stop the others

    def _created(self, _connection: Connection, _row: Row[Any], _body: dict[str, Any]) -> None:
        self._tasks[START.value] = self._tasks.get(START.value, 0) + 1

    def _status(self, _connection: Connection, _row: Row[Any], body: dict[str, Any]) -> None:
        before, after = body["data"]["from"], body["data"]["to"]
        if before != after:
            self._tasks[before] = max(0, self._tasks.get(before, 0) - 1)
            self._tasks[after] = self._tasks.get(after, 0) + 1
            if after in CLOSED:  # not by task.closed, which the book and the story both tell
                self._shown.closed.labels(self._word("status", after)).inc()

    def _stage_began(self, _connection: Connection, row: Row[Any], body: dict[str, Any]) -> None:
        if row.key:  # the row of the task's stage leaves a second event, without a key
            self._begun[_run_of(row.key)] = datetime.fromisoformat(body["at"])
            while len(self._begun) > STARTS_MAX:
                self._begun.popitem(last=False)

    def _stage_ended(self, connection: Connection, row: Row[Any], body: dict[str, Any]) -> None:
        if not row.key:
            return
        stage = self._word("stage", body["stage"])
        self._shown.stage_runs.labels(stage, self._word("outcome", body["data"]["status"])).inc()
        run = _run_of(row.key)
        began = self._begun.pop(run, None) or _begun_at(connection, run)
        if began is not None:
            seconds = (datetime.fromisoformat(body["at"]) - began).total_seconds()
            self._shown.stage_seconds.labels(stage).observe(max(0.0, seconds))

    def _judged(self, _connection: Connection, _row: Row[Any], body: dict[str, Any]) -> None:
        data = body["data"]
        self._shown.gates.labels(self._word("gate", data["gate"]), self._word("ruling", data["ruling"])).inc()

    def _effect(self, body: dict[str, Any], outcome: str) -> None:
        self._shown.effects.labels(self._word("stage", body["stage"]), outcome).inc()

    def _agent(self, _connection: Connection, _row: Row[Any], body: dict[str, Any]) -> None:
        data, stage = body["data"], self._word("stage", body["stage"])
        self._shown.agent_runs.labels(stage, self._word("stop", data["stop"])).inc()

    def _used(self, _connection: Connection, _row: Row[Any], body: dict[str, Any]) -> None:
        data = body["data"]
        role, agent = self._word("role", data["role"]), self._word("agent", str(data["agent"]).lower())
        if data["source"] == UsageSource.METERED.value:
            fine = str(data["status"]).startswith("2")
            provider = self._word("provider", data["provider"])
            self._shown.model_requests.labels(provider, "done" if fine else "failed").inc()
        if not data["counted"]:
            return
        self._shown.agent_cost_usd.labels(role, agent).inc(max(0.0, float(data["cost_usd"])))
        for kind in ("input", "output", "cached"):
            self._shown.agent_tokens.labels(role, agent, kind).inc(max(0, int(data[f"{kind}_tokens"])))

    def _taken_back(self, _connection: Connection, _row: Row[Any], body: dict[str, Any]) -> None:
        data = body["data"]
        where = self._word("environment", data["environment"])
        verified = data["verified"] is True
        self._shown.rollbacks.labels(where, "yes" if verified else "no").inc()
        if verified:
            self._shown.back_seconds.labels(where).observe(data["total_seconds"])
        if data.get("traffic_seconds") is not None:
            self._shown.back_traffic_seconds.labels(where).observe(data["traffic_seconds"])


def head_of(connection: Connection) -> int:
    """Return the sequence number of the last event."""
    return int(connection.execute(_HEAD).scalar() or 0)


def _run_of(key: str) -> str:
    """Return the run of a stage from the key of its event, which ends with how it began or ended."""
    return key.rpartition("/")[0]


def _begun_at(connection: Connection, run: str) -> datetime | None:
    body = connection.execute(_BEGUN, {"key": f"{run}/running"}).scalar()
    return None if body is None else datetime.fromisoformat(json.loads(body)["at"])
