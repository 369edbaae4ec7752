"""Walk what a run did through the code of today, without any effect, and name the first step that differs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from keelway.engine import fault
from keelway.engine.record import release
from keelway.engine.upgrade.history import History, Kept
from keelway.ports.engine import Conductor, Engine, StageRun, Story

THE_END = "its end"


@dataclass(frozen=True)
class Difference:
    """Name the first place at which today's code leaves the record of a run."""

    run: str
    found: str
    """What the record holds there."""
    asked: str
    """What the code asks for instead."""
    position: int
    """Number of the record in its engine; what is before it fits."""

    def __str__(self) -> str:
        """Return one line for people."""
        return f"run {self.run} recorded {self.found!r} where the code now asks for {self.asked!r}"


class _Left(BaseException):
    """Leave the code at the end of the record, or where it differs; no stage may catch it."""

    def __init__(self, difference: Difference | None = None) -> None:
        super().__init__()
        self.difference = difference


def first_difference(
    history: History, stories: Mapping[str, Story], stages: Mapping[str, StageRun]
) -> Difference | None:
    """Return where the code first leaves the record, ``None`` when the run can go on from where it stands."""
    known: Mapping[str, Callable[..., Any]] = stories if history.kind == "story" else stages
    tape = _Tape(history)
    if history.name not in known:
        return tape.difference(f"nothing: no {history.kind} is called {history.name}")
    try:
        if history.kind == "story":
            _drive(stories[history.name](_ReplayedConductor(tape), history.payload))
        else:
            stages[history.name](_ReplayedEngine(tape), history.payload)
    except _Left as left:
        return left.difference
    except Exception as error:  # noqa: BLE001 - whatever the code says to an old record is a difference
        unsaid = history.status == "failed" and tape.over
        return None if unsaid else tape.difference(f"{THE_END}, by {type(error).__name__}: {error}")
    return None if tape.over else tape.difference(THE_END)


def _drive(telling: Awaitable[Any]) -> None:
    try:
        cast("Any", telling).send(None)
    except StopIteration:
        return
    cast("Any", telling).close()
    raise TypeError("the story awaits something else than its conductor")


class _Tape:
    """Give the records of a run to the code, one verb after the other."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._next = 0

    @property
    def id(self) -> str:
        """Return the id of the run."""
        return self._history.run

    @property
    def over(self) -> bool:
        """Tell whether every record was asked for."""
        return self._next >= len(self._history.verbs)

    def play(self, verb: str) -> Any:
        """Return what the verb gave back; leave the code where the record ends or differs."""
        if self.over:
            raise _Left
        kept = self._history.verbs[self._next]
        if kept.verb != verb:
            self._leave(verb)
        if not kept.ended:
            raise _Left
        self._next += 1
        return kept.value

    def mark(self, verb: str, *, leave: bool) -> bool:
        """Pass a mark; where the record ends, leaving one begins something new."""
        if self.over:
            if leave:
                raise _Left
            return False
        found = self._history.verbs[self._next].verb == verb
        self._next += int(found)
        return found

    def difference(self, asked: str) -> Difference:
        """Name the place where the code stands."""
        here = Kept("no more steps", position=-1) if self.over else self._history.verbs[self._next]
        return Difference(self.id, here.verb, asked, here.position)

    def _leave(self, asked: str) -> NoReturn:
        raise _Left(self.difference(asked))


class _ReplayedEngine(Engine):
    """Serve a stage from its record."""

    def __init__(self, tape: _Tape) -> None:
        self._tape = tape

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Return the record; the effect is never run."""
        del effect
        return release(self._tape.play(name))

    def sleep(self, seconds: float) -> None:
        """Pass a sleep that is over."""
        del seconds
        self._tape.play("sleep")

    def now(self) -> datetime:
        """Return the recorded instant."""
        return datetime.fromisoformat(self._tape.play("now"))

    def wall(self) -> datetime:
        """Return an instant of no meaning: no effect is run."""
        return datetime.fromtimestamp(0, UTC)

    def patch(self, name: str) -> bool:
        """Tell which way the record went."""
        return self._tape.mark(f"patch {name}", leave=True)

    def deprecate_patch(self, name: str) -> None:
        """Pass a mark."""
        self._tape.mark(f"patch {name}", leave=False)

    def fence(self) -> None:
        """Let everything pass: no effect is run."""


class _ReplayedConductor(Conductor):
    """Serve a story from its record."""

    def __init__(self, tape: _Tape) -> None:
        self._tape = tape

    @property
    def id(self) -> str:
        """Return the id of the run."""
        return self._tape.id

    async def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Return the record; the effect is never run."""
        del effect
        return release(self._tape.play(name))

    async def call(self, queue: str, stage: str, key: str, payload: Any) -> Any:
        """Return what the stage returned."""
        del queue, payload
        status, result, failure = self._tape.play(f"call {key}")
        if status == "cancelled":
            raise fault.stage_cancelled(stage)
        if status == "failed":
            raise fault.stage_failed(stage, failure)
        return result

    async def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Return the message."""
        del timeout_seconds
        return self._tape.play(f"receive {topic}")

    async def start(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Pass a start that was made."""
        del story, payload, delay_seconds
        self._tape.play(f"start {run}")

    async def now(self) -> datetime:
        """Return the recorded instant."""
        return datetime.fromisoformat(self._tape.play("now"))

    async def patch(self, name: str) -> bool:
        """Tell which way the record went."""
        return self._tape.mark(f"patch {name}", leave=True)

    async def deprecate_patch(self, name: str) -> None:
        """Pass a mark."""
        self._tape.mark(f"patch {name}", leave=False)
