"""Hold what outlives a crash of the memory engine, and crash it on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from keelway.engine import fault

FINAL = frozenset({"done", "failed", "cancelled"})
"""Statuses that a run does not leave."""

_BEGIN_AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Clock(Protocol):
    """Tell virtual time; ``testing.clock.VirtualClock`` is one that fakes can share."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    def jump(self, instant: datetime) -> None:
        """Make a later instant the present one."""
        ...


class Crash(BaseException):
    """End the engine as ``kill -9`` would: nothing between the effect and its record is saved."""


@dataclass(frozen=True)
class CrashAt:
    """Crash at the n-th step that this engine executes, counted from 1."""

    n: int
    when: Literal["before", "after"] = "before"
    """Before the effect, or after it and before its record."""


@dataclass(eq=False)
class Run:
    """Hold one run of a story or stage; ``payload``, ``result`` and steps are JSON text."""

    id: str
    kind: Literal["story", "stage"]
    name: str
    payload: str
    due_at: datetime
    queue: str = ""
    parent: str = ""
    status: str = "queued"
    result: str = "null"
    failure: str = ""
    ended_at: datetime | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Say whether the run is over."""
        return self.status in FINAL


class Journal:
    """Keep runs, their records and their letters, and the time when no clock is given."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.letters: dict[tuple[str, str], list[str]] = {}
        self._now_at = _BEGIN_AT

    def now(self) -> datetime:
        """Return the present instant."""
        return self._now_at

    def jump(self, instant: datetime) -> None:
        """Make a later instant the present one."""
        self._now_at = max(self._now_at, instant)

    def below(self, run: str) -> list[Run]:
        """List a run and its children, and theirs."""
        found = [self.runs[run]] if run in self.runs else []
        for known in found:
            found.extend(child for child in self.runs.values() if child.parent == known.id)
        return found


class Tape:
    """Replay the records of one run, then extend them."""

    def __init__(self, run: Run, gate: Gate) -> None:
        self.run = run
        self._gate = gate
        self._position = 0

    def recorded(self) -> bool:
        """Say whether the next step has a record."""
        return self._position < len(self.run.steps)

    def play(self, name: str, effect: Callable[[], Any], commit: Callable[[], object] = lambda: None) -> Any:
        """Return the record of the next step; without one, run the effect and record it with ``commit``.

        Raises:
            OurFault: the record belongs to a step of another name.
        """
        if self.recorded():
            found, text = self.run.steps[self._position]
            if found != name:
                raise fault.nondeterministic(self.run.id, name, found)
        else:
            text = json.dumps(self._gate.around(self.run, effect), allow_nan=False)
            self.run.steps.append((name, text))
            commit()
        self._position += 1
        return json.loads(text)

    def mark(self, name: str, *, leave: bool) -> bool:
        """Tell whether the next record is a mark; where nothing is recorded yet, ``leave`` one."""
        if self.recorded():
            found = self.run.steps[self._position][0] == name
            self._position += int(found)
            return found
        if leave:
            self.play(name, lambda: None)
        return leave


class Gate:
    """Count the steps of one engine, crash it at the appointed one and turn back who may not go on."""

    def __init__(self, crash: CrashAt | None) -> None:
        self._crash = crash
        self.steps = 0
        self.dead = False

    def check(self, run: Run) -> None:
        """Raise ``EngineStopped`` or ``Cancelled`` when the run may not go on."""
        if self.dead:
            raise fault.EngineStopped
        if run.status == "cancelled":
            raise fault.Cancelled

    def around(self, run: Run, effect: Callable[[], Any]) -> Any:
        """Run one effect, or crash before or after it."""
        self.check(run)
        self.steps += 1
        if self._crash == CrashAt(self.steps, "before"):
            raise Crash
        value = effect()
        if self._crash == CrashAt(self.steps, "after"):
            raise Crash
        self.check(run)
        return value
