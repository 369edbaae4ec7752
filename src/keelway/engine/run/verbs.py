"""Serve the verbs of stories and stages on DBOS; imported by ``durable`` only."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

from dbos import DBOS, EnqueueOptions, PortableWorkflowError
from dbos import error as dbos_error

from keelway.core.errors import KeelwayError, OurFault
from keelway.engine import fault
from keelway.engine.record import Turn, capture, plain, release
from keelway.engine.run.board import Board
from keelway.engine.schema import SCHEMA
from keelway.ports.engine import Conductor, Engine

STAGE = "stage"
"""Name of the one generic workflow that runs every stage."""

STORY = "story"
"""Name of the one generic workflow that runs every story."""

WAKE = {"wake": True}
"""A message without a body: look at your own state. Messages proper are ``{"body": ...}``."""

LOOK_SECONDS = 60.0
"""A stage that sleeps looks this often whether it was cancelled; mostly it is woken."""

RESULT_POLL_SECONDS = 0.02
"""A story looks this often for the result of a stage that has just ended here, until it is recorded."""

_GONE = (dbos_error.DBOSWorkflowCancelledError, dbos_error.DBOSWorkflowConflictIDError)
# A run that is cancelled during an effect has lost its owner: DBOS reports the loss, not the cancel.


class Office(Protocol):
    """Do for a run what must happen outside its own context."""

    def enqueue(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Start a story, once per run id."""
        ...

    def cancelled(self, run: str) -> bool:
        """Read whether a run was cancelled."""
        ...

    def wake(self, run: str, topic: str) -> None:
        """Make a waiting run look at its own state."""
        ...

    def queue_of(self, run: str) -> str:
        """Read from which queue a run came."""
        ...

    def require(self, kind: str, name: str) -> None:
        """Raise ``OurFault`` unless this story, stage or queue was named at launch."""
        ...

    def ended(self, runs: Sequence[str]) -> list[str]:
        """Read which of some runs have ended, or are absent."""
        ...

    def ring(self, queue: str) -> None:
        """Say that a queue has work or room."""
        ...

    @property
    def look_seconds(self) -> float:
        """How often to look for what may have happened in another process."""
        ...


class StageVerbs:
    """Serve one run of a stage (``ports.engine.Engine``) in its own thread."""

    def __init__(self, run: str, office: Office, board: Board, bell: threading.Event) -> None:
        self._run = run
        self._office = office
        self._board = board
        self._bell = bell
        self._turn = Turn(run)

    @property
    def id(self) -> str:
        """Return the id of this run."""
        return self._run

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run an effect once and return its recorded result."""
        with self._turn.take(name):
            return release(self._record(name, lambda: capture(name, effect)))

    def sleep(self, seconds: float) -> None:
        """Wait until a recorded instant; cancel and close end the wait."""
        with self._turn.take("sleep"):
            wake_epoch = self._record("sleep", lambda: time.time() + seconds)
            while (left := wake_epoch - time.time()) > 0:
                rung = self._bell.wait(min(left, LOOK_SECONDS))
                self._bell.clear()
                self._board.check()
                if (rung or left > LOOK_SECONDS) and self._office.cancelled(self._run):
                    break
            self._record("slept", lambda: True)

    def now(self) -> datetime:
        """Read the clock as a recorded step."""
        with self._turn.take("now"):
            return datetime.fromtimestamp(self._record("now", time.time), UTC)

    def wall(self) -> datetime:
        """Read the clock without recording it; only inside the effect of a step."""
        return datetime.now(UTC)

    def fence(self) -> None:
        """Raise ``EngineStopped`` unless this process may act outside."""
        self._board.fence()

    def patch(self, name: str) -> bool:
        """Tell whether this run takes the new way at a changed place."""
        self._board.check()
        with self._turn.take(f"patch {name}"):
            return DBOS.patch(name)

    def deprecate_patch(self, name: str) -> None:
        """Pass the mark of an old patch."""
        with self._turn.take(f"patch {name}"):
            DBOS.deprecate_patch(name)

    def _record(self, name: str, effect: Callable[[], Any]) -> Any:
        self._board.check()
        try:
            return DBOS.run_step({"name": name}, effect)
        except _GONE as gone:
            self._board.check()
            lost = isinstance(gone, dbos_error.DBOSWorkflowConflictIDError)
            if lost and not self._office.cancelled(self._run):
                raise fault.EngineStopped from gone  # another process has the run now
            raise fault.Cancelled from gone
        except dbos_error.DBOSUnexpectedStepError as error:
            raise _mismatch(self._run, name, error) from error


class StoryVerbs:
    """Serve one run of a story (``ports.engine.Conductor``) on the loop of DBOS."""

    def __init__(self, run: str, office: Office, board: Board) -> None:
        self._run = run
        self._office = office
        self._board = board
        self._turn = Turn(run)

    @property
    def id(self) -> str:
        """Return the id of this run."""
        return self._run

    async def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run a short effect once and record its JSON result."""
        with self._turn.take(name):
            return release(await self._record(name, lambda: capture(name, effect)))

    async def now(self) -> datetime:
        """Read the clock as a recorded step."""
        with self._turn.take("now"):
            return datetime.fromtimestamp(await self._record("now", time.time), UTC)

    async def patch(self, name: str) -> bool:
        """Tell whether this run takes the new way at a changed place."""
        with self._turn.take(f"patch {name}"):
            return await DBOS.patch_async(name)

    async def deprecate_patch(self, name: str) -> None:
        """Pass the mark of an old patch."""
        with self._turn.take(f"patch {name}"):
            await DBOS.deprecate_patch_async(name)

    async def start(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Start another story later; it is not a child, cancelling this run leaves it alone."""
        self._office.require("story", story)
        plain(f"start {run}", payload)
        with self._turn.take(f"start {run}"):
            await self._record(
                f"start {run}", lambda: self._office.enqueue(story, run, payload, delay_seconds)
            )

    async def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait durably for a message, ``None`` when the time is over."""
        name = f"receive {topic}"
        with self._turn.take(name), self._board.parked(self._run, topic):
            await self._record(name, lambda: timeout_seconds)  # DBOS records a wait only at its end
            letter: Any = WAKE
            while letter == WAKE:
                letter = await self._translated(topic, DBOS.recv_async(topic, timeout_seconds))
        return None if letter is None else letter["body"]

    async def call(self, queue: str, stage: str, key: str, payload: Any) -> Any:
        """Run a stage as a child on a queue and return its JSON result.

        Raises:
            OurFault: the stage raised, was cancelled on its own or was given up.
        """
        self._office.require("queue", queue)
        self._office.require("stage", stage)
        asked = plain(f"payload of {key}", payload)
        with self._turn.take(f"call {key}"):
            child = self._turn.name(key)
            return await self._translated(key, self._child(queue, stage, child, asked))

    async def _child(self, queue: str, stage: str, child: str, payload: Any) -> Any:
        options: EnqueueOptions = {
            "workflow_name": STAGE,
            "queue_name": queue,
            "workflow_id": child,
            "app_version": SCHEMA,
        }
        handle = await DBOS.enqueue_workflow_with_options_async(options, stage, payload)
        if handle.get_workflow_id() != child:
            raise fault.nondeterministic(self._run, child, handle.get_workflow_id())
        self._office.ring(queue)
        await self._until_ended(child)
        self._office.ring(queue)
        try:
            return await handle.get_result(polling_interval_sec=RESULT_POLL_SECONDS)
        except dbos_error.DBOSAwaitedWorkflowCancelledError:
            await self._record("child cancelled", lambda: True)  # passes only if this run goes on
            raise fault.stage_cancelled(stage) from None
        except dbos_error.DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded:
            raise fault.stage_given_up(stage) from None
        except PortableWorkflowError as error:
            raise fault.stage_failed(stage, error.message) from None

    async def _until_ended(self, child: str) -> None:
        """Wait until a stage has left this process or ended in another; nothing is recorded.

        Whoever looks looks for all who wait: with a thousand stories a look each would leave no time for their stages.
        """
        seconds = self._office.look_seconds
        with self._board.awaited(child) as ending:
            self._board.tell_endings(await self._ended([child]))
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(ending.wait(), seconds)
                    return
                self._board.check()
                if runs := self._board.look(seconds):
                    self._board.tell_endings(await self._ended(runs))

    async def _ended(self, runs: list[str]) -> list[str]:
        try:
            return await asyncio.get_running_loop().run_in_executor(None, self._office.ended, runs)
        except KeelwayError:
            self._board.check()  # a worker that joins again has no office meanwhile
            raise

    async def _record(self, name: str, effect: Callable[[], Any]) -> Any:
        return await self._translated(name, DBOS.run_step_async({"name": name}, effect))

    async def _translated(self, name: str, verb: Coroutine[Any, Any, Any]) -> Any:
        try:
            self._board.check()
        except fault.EngineStopped:
            verb.close()
            raise
        try:
            return await verb
        except _GONE as gone:
            self._board.check()
            lost = isinstance(gone, dbos_error.DBOSWorkflowConflictIDError)
            if lost and not await asyncio.get_running_loop().run_in_executor(
                None, self._office.cancelled, self._run
            ):
                raise fault.EngineStopped from gone
            raise fault.Cancelled from gone
        except dbos_error.DBOSUnexpectedStepError as error:
            raise _mismatch(self._run, name, error) from error


def _mismatch(run: str, name: str, error: dbos_error.DBOSUnexpectedStepError) -> OurFault:
    return fault.nondeterministic(run, name, str(error.inputs[3]))


_checks: tuple[type[Engine], type[Conductor]] = (StageVerbs, StoryVerbs)
