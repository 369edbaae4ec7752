"""Serve the verbs of stories and stages in virtual time; used by ``memory`` only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any, Protocol

from keelway.core.errors import OurFault
from keelway.engine import fault
from keelway.engine.journal import Clock, Gate, Journal, Run, Tape
from keelway.engine.record import Turn, capture, plain, release


class World(Protocol):
    """Do for a run what the scheduler owns."""

    journal: Journal
    clock: Clock
    gate: Gate

    def enqueue(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Start a story, once per run id."""
        ...

    def spawn(self, parent: Run, queue: str, stage: str, child: str, payload: Any) -> None:
        """Put a stage on a queue, once per child id."""
        ...

    def require(self, kind: str, name: str) -> None:
        """Raise ``OurFault`` unless this story, stage or queue was named at launch."""
        ...


class Pause:
    """Give control back to the scheduler until something happens or an instant is reached."""

    def __init__(self, until: datetime | None) -> None:
        self.until = until

    def __await__(self) -> Generator[Pause, None, None]:
        yield self


class VirtualConductor:
    """Serve one run of a story (``ports.engine.Conductor``)."""

    def __init__(self, run: Run, world: World) -> None:
        self._run = run
        self._world = world
        self._tape = Tape(run, world.gate)
        self._turn = Turn(run.id)

    @property
    def id(self) -> str:
        """Return the id of this run."""
        return self._run.id

    async def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run a short effect once and record its JSON result."""
        with self._turn.take(name):
            return release(self._tape.play(name, lambda: capture(name, effect)))

    async def now(self) -> datetime:
        """Read the clock as a recorded step."""
        with self._turn.take("now"):
            return _read_clock(self._tape, self._world.clock)

    async def patch(self, name: str) -> bool:
        """Tell whether this run takes the new way at a changed place."""
        with self._turn.take(f"patch {name}"):
            return self._tape.mark(f"patch {name}", leave=True)

    async def deprecate_patch(self, name: str) -> None:
        """Pass the mark of an old patch."""
        with self._turn.take(f"patch {name}"):
            self._tape.mark(f"patch {name}", leave=False)

    async def start(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Start another story later; it is not a child, cancelling this run leaves it alone."""
        self._world.require("story", story)
        asked = plain(f"payload of {run}", payload)
        with self._turn.take(f"start {run}"):
            self._tape.play(f"start {run}", lambda: self._world.enqueue(story, run, asked, delay_seconds))

    async def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait durably for a message, ``None`` when the time is over."""
        letters = self._world.journal.letters.setdefault((self._run.id, topic), [])
        with self._turn.take(f"receive {topic}"):
            until = _deadline(self._tape, f"receive {topic}", self._world.clock, timeout_seconds)
            while not (self._tape.recorded() or letters or self._world.clock.now() >= until):
                await self._pause(until)
            text = self._tape.play(
                f"received {topic}",
                lambda: letters[0] if letters else "null",
                lambda: letters.pop(0) if letters else None,
            )
        return json.loads(text)

    async def call(self, queue: str, stage: str, key: str, payload: Any) -> Any:
        """Run a stage as a child on a queue and return its JSON result.

        Raises:
            OurFault: the stage raised or was cancelled on its own.
        """
        self._world.require("queue", queue)
        self._world.require("stage", stage)
        asked = plain(f"payload of {key}", payload)
        with self._turn.take(f"call {key}"):
            child = self._turn.name(key)
            self._tape.play(f"call {key}", lambda: self._world.spawn(self._run, queue, stage, child, asked))
            while not (self._tape.recorded() or self._world.journal.runs[child].ended):
                await self._pause(None)
            status, result, failure = self._tape.play(f"result {key}", lambda: self._outcome(child))
        if status == "cancelled":
            raise fault.stage_cancelled(stage)
        if status == "failed":
            raise fault.stage_failed(stage, failure)
        return json.loads(result)

    def _outcome(self, child: str) -> list[str]:
        run = self._world.journal.runs[child]
        return [run.status, run.result, run.failure]

    async def _pause(self, until: datetime | None) -> None:
        await Pause(until)
        self._world.gate.check(self._run)


class VirtualEngine:
    """Serve one run of a stage (``ports.engine.Engine``)."""

    def __init__(self, run: Run, world: World, park: Callable[[datetime], None]) -> None:
        self._run = run
        self._world = world
        self._park = park
        self._tape = Tape(run, world.gate)
        self._turn = Turn(run.id)

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run an effect once and return its recorded result."""
        with self._turn.take(name):
            return release(self._tape.play(name, lambda: capture(name, effect)))

    def sleep(self, seconds: float) -> None:
        """Wait until a recorded virtual instant; cancel ends the wait."""
        with self._turn.take("sleep"):
            until = _deadline(self._tape, "sleep", self._world.clock, seconds)
            while not (self._tape.recorded() or self._world.clock.now() >= until):
                self._park(until)
                self._world.gate.check(self._run)
            self._tape.play("slept", lambda: True)

    def now(self) -> datetime:
        """Read the clock as a recorded step."""
        with self._turn.take("now"):
            return _read_clock(self._tape, self._world.clock)

    def wall(self) -> datetime:
        """Read the clock without recording it; only inside the effect of a step."""
        return self._world.clock.now()

    def fence(self) -> None:
        """Let nothing happen any more once the engine is dead or the run was cancelled."""
        self._world.gate.check(self._run)

    def patch(self, name: str) -> bool:
        """Tell whether this run takes the new way at a changed place."""
        with self._turn.take(f"patch {name}"):
            return self._tape.mark(f"patch {name}", leave=True)

    def deprecate_patch(self, name: str) -> None:
        """Pass the mark of an old patch."""
        with self._turn.take(f"patch {name}"):
            self._tape.mark(f"patch {name}", leave=False)


class Telling:
    """Tell a story from pause to pause in a context of its own, as a task of an event loop has one."""

    def __init__(self, story: Coroutine[Pause, None, Any]) -> None:
        self._story, self._context = story, copy_context()

    def send(self) -> Pause:
        """Go on to the next pause; ``StopIteration`` when the story is over."""
        return self._context.run(self._story.send, None)

    def close(self) -> None:
        """Leave the story where it is."""
        self._context.run(self._story.close)


class StageThread:
    """Run a stage in a thread of its own, but never at the same time as the scheduler.

    A stage is plain synchronous code, so only a thread can stop it half-way while others go on.
    """

    def __init__(self, name: str, body: Callable[[], None]) -> None:
        self._body = body
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._main, name=f"keelway-{name}", daemon=True)
        self.fault: BaseException | None = None
        self.over = False

    def resume(self) -> None:
        """Let the stage run until it parks or ends, then raise what it could not handle."""
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        if self.over:
            self._thread.join()
        if self.fault is not None:
            raised, self.fault = self.fault, None
            raise raised

    def park(self) -> None:
        """Give control back to the scheduler; called by the stage itself.

        Raises:
            OurFault: called from another thread than that of the stage.
        """
        if threading.current_thread() is not self._thread:
            raise OurFault("wrong_thread", "a stage verb was used outside the thread of its stage")
        self._back.release()
        self._go.acquire()

    def _main(self) -> None:
        try:
            self._body()
        except BaseException as error:  # noqa: BLE001  the scheduler's thread raises it
            self.fault = error
        self.over = True
        self._back.release()


def _deadline(tape: Tape, name: str, clock: Clock, seconds: float) -> datetime:
    def reckon() -> str:
        return (clock.now() + timedelta(seconds=seconds)).isoformat()

    return datetime.fromisoformat(tape.play(name, reckon))


def _read_clock(tape: Tape, clock: Clock) -> datetime:
    return datetime.fromisoformat(tape.play("now", lambda: clock.now().isoformat()))
