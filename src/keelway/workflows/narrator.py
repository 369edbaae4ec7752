"""Run stages as children, wait for people between them, and keep the hand-over values typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

from keelway.core.codec import from_json, to_json
from keelway.core.errors import KeelwayError
from keelway.ports.engine import Conductor
from keelway.routines.context import Context
from keelway.routines.outcome import Aborted, Envelope, Rework, StageFailed
from keelway.workflows.cast import PART_OF

A = TypeVar("A")
B = TypeVar("B")

WAKE = "wake"
"""Topic on which a waiting story is told that something about it was decided."""

ENTRIES_MAX = 10_000


class Narrator:
    """Tell one story for one subject.

    Stories that share a subject count their entries from different numbers, because the
    number is part of the key that keeps an effect from being done twice.
    """

    def __init__(self, conductor: Conductor, subject: str, first_entry: int = 1) -> None:
        self.conductor, self.subject, self.first_entry = conductor, subject, first_entry
        self._entries: dict[str, int] = {}
        self.stage_name = ""

    async def stage(self, verb: Callable[[Context, A], B], value: A) -> B:
        """Run a stage, again after each wait, until it passes its value on.

        Raises:
            StageFailed: its gate said no.
            Rework: the patch has to go back to development.
            Aborted: a person ended the task.
        """
        part = PART_OF[verb]
        self.stage_name = part.name
        for _ in range(ENTRIES_MAX):
            entry = self._entries[part.name] = self._entries.get(part.name, self.first_entry - 1) + 1
            payload = {"subject": self.subject, "entry": entry, "value": to_json(value)}
            envelope = await self._call(part.queue, part.name, f"{part.name}-{entry}", payload)
            if envelope.kind == "passed":
                kind: Any = get_type_hints(verb)["return"]
                result: B = from_json(kind, envelope.value)
                return result
            await self._end(envelope)
        raise StageFailed("entered_too_often", f"The stage {part.name} was entered {ENTRIES_MAX} times.")

    async def _call(self, queue: str, name: str, key: str, payload: Any) -> Envelope:
        try:
            return from_json(Envelope, await self.conductor.call(queue, name, key, payload))
        except KeelwayError as error:
            return Envelope("failed", None, error.code, error.message, error.hint)

    async def _end(self, envelope: Envelope) -> None:
        """Wait when the stage waits; otherwise end as it ended."""
        match envelope.kind:
            case "held" | "waiting":
                await self.conductor.receive(WAKE, envelope.wait_seconds)
            case "rework":
                raise Rework(envelope.code, envelope.message, envelope.findings)
            case "aborted":
                raise Aborted(envelope.message)
            case _:
                raise StageFailed(envelope.code, envelope.message, envelope.hint, envelope.findings)
