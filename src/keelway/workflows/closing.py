"""The end of a task whose own story cannot go on: what it did is undone and people are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.ports.engine import Conductor
from keelway.routines import unwind
from keelway.routines.order import Undo
from keelway.workflows.narrator import Narrator

CLOSE_OUT = "close_out"
"""Name of the story that closes a task."""

ENTRIES = 1_000
"""Entries into the way back that one run may need."""


@dataclass(frozen=True)
class Closing:
    """Order the end of a task from outside its story."""

    undo: Undo
    entry: int
    """Number of the first entry into the way back: one that the task's own story never used."""


def closing_run(task: str, number: int = 1) -> str:
    """Return the id of a run that closes a task; whoever comes first starts it, and nothing cancels it."""
    return f"{task}:end-{number}"


async def close_out(conductor: Conductor, payload: Any) -> Any:
    """Undo whatever a task did and close it."""
    order = from_json(Closing, payload)
    story = Narrator(conductor, order.undo.task.id, order.entry)
    return to_json(await story.stage(unwind.undo, order.undo))
