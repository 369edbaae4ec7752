"""Split a life at durable steps, before and after their effects, and see every twin to its end."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.crash.life import Life, lived
from tests.crash.picture import differences, picture

from keelway.engine.journal import Crash, CrashAt, Gate, Run

CHUNKS = 16
SHARES = [
    pytest.param(chunk, moment, marks=() if (chunk, moment) == (5, "after") else pytest.mark.soak)
    for moment in ("after", "before")
    for chunk in range(CHUNKS)
]
"""Every step before and after its effect; one in sixteen, after it, is part of every test run."""
LONG_SHARES = [pytest.param(*share.values, marks=share.marks or pytest.mark.long) for share in SHARES]
"""The same for acts that are near to another one: their share of every test run is a ``long`` test."""

Choose = Callable[[int, str], list[CrashAt | None]]
"""Return how the twins that are killed at (step, when) go on: to the end, or to a second kill."""


@dataclass
class Found:
    """Hold what a sweep saw."""

    steps: int = 0
    ends: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Picture of the end of every twin, by the points at which it was killed."""
    wrong: dict[str, dict[str, str]] = field(default_factory=dict)
    """What differs from the life that nobody killed."""
    second_kills: int = 0


class SplitGate(Gate):
    """Let somebody look before and after the effect of every step of an engine."""

    def __init__(self, split: Callable[[int, str], None]) -> None:
        super().__init__(None)
        self._split = split

    def around(self, run: Run, effect: Callable[[], Any]) -> Any:
        """Run one effect between two looks."""

        def watched() -> Any:
            self._split(self.steps, "before")
            value = effect()
            self._split(self.steps, "after")
            return value

        return super().around(run, watched)


def every_step(chunk: int, moment: str) -> Choose:
    """Choose every ``CHUNKS``-th step from ``chunk`` on, ``before`` or ``after`` its effect."""
    return lambda step, when: [None] if step % CHUNKS == chunk and when == moment else []


def sweep(act: str, choose: Choose, root: Path, prepare: Callable[[Life], None] = lambda _: None) -> Found:
    """Kill an act at the chosen points and compare the end of every twin with that of the original."""
    found = Found()

    def split(step: int, when: str) -> None:
        for crash in choose(step, when):
            point = f"{when} {step} ({_place_of(life)})" + (f", then {crash.when} {crash.n}" if crash else "")
            found.ends[point] = _other_end(life, crash, found)

    with lived(act, root / "life") as life:
        prepare(life)
        life.engine.gate = SplitGate(split)
        life.end()
        found.steps = life.engine.steps()
        expected = picture(life)
    for point, seen in found.ends.items():
        if wrong := differences(expected, seen):
            found.wrong[point] = wrong
    return found


def _place_of(life: Life) -> str:
    busy = (run for run in life.journal.runs.values() if run.status == "running")
    return ", ".join(f"{run.name} after {run.steps[-1][0] if run.steps else 'nothing'}" for run in busy)


def _other_end(life: Life, crash: CrashAt | None, found: Found) -> dict[str, Any]:
    """See the twin that was killed now to its end."""
    home = life.home.with_name("twin")
    shutil.rmtree(home, ignore_errors=True)
    try:
        twin = life.twin(home)
        try:
            if crash is not None:
                found.second_kills += _lives_until(twin, crash)
            twin.restart()
            twin.end()
            return picture(twin)
        finally:
            twin.close()
    except Exception:  # noqa: BLE001 - the life that goes on must not take this for a failed step
        return {"broken": traceback.format_exc()}


def _lives_until(twin: Life, crash: CrashAt) -> bool:
    twin.restart(crash)
    try:
        twin.end()
    except Crash:
        return True
    return False
