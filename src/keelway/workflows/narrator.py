"""Run stages as children, wait for people between them, and keep the hand-over values typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, get_type_hints

from keelway.core.codec import from_json, to_json
from keelway.core.errors import KeelwayError
from keelway.core.model.role import ROLE_OF, Stage
from keelway.core.model.verdict import Finding, Ruling, failed
from keelway.core.policy import Policy
from keelway.core.rule.account import FAULTED
from keelway.core.rule.budget import budget_of, judge_again, next_delay_seconds
from keelway.ports.engine import Conductor
from keelway.routines.context import Context
from keelway.routines.outcome import Aborted, Envelope, Rework, StageFailed
from keelway.routines.unwind import CUT_OFF
from keelway.workflows.cast import PART_OF, ROLLBACK_QUEUE, WATCH_QUEUE, Part

A = TypeVar("A")
B = TypeVar("B")

WAKE = "wake"
"""Topic on which a waiting story is told that something about it was decided."""

REST = "rest"
"""Topic of the pause before another try; nobody writes to it."""

ENTRIES_MAX = 10_000

INSISTED_TRIES_MAX = 20
"""How often a way back, or a look of the watch, is tried while something fails, some ten minutes in all."""

_GIVEN_UP, _BROKE = "stage_given_up", "effect_failed"
_INSISTED = frozenset({"report", "watch"})


class Narrator:
    """Tell one story for one subject; under a policy, its stages are tried again after a passing fault.

    Stories that share a subject count their entries from different numbers, because the
    number is part of the key that keeps an effect from being done twice.
    """

    def __init__(
        self, conductor: Conductor, subject: str, first_entry: int = 1, policy: Policy | None = None
    ) -> None:
        self.conductor, self.subject, self.first_entry, self.policy = conductor, subject, first_entry, policy
        self._entries: dict[str, int] = {}
        self.stage_name = ""

    async def stage(self, verb: Callable[[Context, A], B], value: A) -> B:
        """Run a stage, again after each wait, until it passes its value on.

        Raises:
            StageFailed: its gate said no, or its faults did not pass.
            Rework: the patch has to go back to development.
            Aborted: a person ended the task.
        """
        part = PART_OF[verb]
        self.stage_name = part.name
        faults: list[Finding] = []
        for _ in range(ENTRIES_MAX):
            entry = self._entries[part.name] = self._entries.get(part.name, self.first_entry - 1) + 1
            payload = {"subject": self.subject, "entry": entry, "value": to_json(value)}
            envelope = await self._call(part, f"{part.name}-{entry}", payload)
            if envelope.kind == "passed":
                kind: Any = get_type_hints(verb)["return"]
                result: B = from_json(kind, envelope.value)
                return result
            if envelope.kind == FAULTED:
                faults.append(failed(envelope.code, envelope.message))
                await self._rest(part, envelope, faults)
            else:
                faults.clear()
                await self._end(envelope)
        raise StageFailed("entered_too_often", f"The stage {part.name} was entered {ENTRIES_MAX} times.")

    async def _call(self, part: Part, key: str, payload: Any) -> Envelope:
        try:
            ended = from_json(Envelope, await self.conductor.call(part.queue, part.name, key, payload))
        except KeelwayError as error:
            code = CUT_OFF if error.code == _GIVEN_UP else error.code
            ended = Envelope("failed", None, code, error.message, error.hint)
        if ended.kind == "failed" and ended.code == _BROKE and _insists(part):
            return replace(ended, kind=FAULTED)
        return ended

    async def _rest(self, part: Part, envelope: Envelope, faults: list[Finding]) -> None:
        """Pause ever longer after a fault that may pass.

        Raises:
            StageFailed: the stage was tried as often as its budget allows, or ended alike too often.
        """
        again = judge_again(faults, *self._tries(part))
        if again.ruling is not Ruling.PASS:
            raise StageFailed(envelope.code, again.message, envelope.hint, (again,))
        await self.conductor.receive(REST, next_delay_seconds(len(faults)))

    def _tries(self, part: Part) -> tuple[int, int]:
        """Return how often a stage is tried, and how many identical faults in a row end that sooner."""
        if part.queue in {ROLLBACK_QUEUE, WATCH_QUEUE}:
            return INSISTED_TRIES_MAX, INSISTED_TRIES_MAX
        if self.policy is None:
            return 1, 1
        budget = budget_of(self.policy, ROLE_OF[Stage(part.name)])
        return budget.attempts_max, self.policy.budget.same_fault_max

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


def _insists(part: Part) -> bool:
    """Tell whether a part is tried again even after an error that nobody expected.

    What is live has to be told of and watched, and a way back has to be walked, whatever breaks on the way.
    """
    return part.queue == ROLLBACK_QUEUE or part.name in _INSISTED
