"""Run stories in memory and in virtual time: a day of waiting takes milliseconds."""

from __future__ import annotations

import heapq
import itertools
import json
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from keelway.core.errors import OurFault
from keelway.engine import fault
from keelway.engine.journal import Clock, Crash, CrashAt, Gate, Journal, Run
from keelway.engine.record import plain
from keelway.engine.virtual import Pause, StageThread, Telling, VirtualConductor, VirtualEngine
from keelway.ports.engine import Queue, StageRun, Story

EVENTS_MAX = 1_000_000
"""Events of one ``run_until_idle``; more of them means that a story never comes to rest."""

UNWIND_MAX = 10
"""Times that ``close`` asks a parked stage to leave."""

_log = logging.getLogger("keelway.engine")


class MemoryEngine:
    """Run stories deterministically (``ports.engine.Runtime``): nothing happens but in ``run_until_idle``.

    After a ``Crash`` the engine is dead; a new one on the same journal (and clock)
    takes up every unfinished run at ``launch``. What ``at`` appointed is gone then.
    """

    def __init__(
        self, journal: Journal | None = None, *, clock: Clock | None = None, crash: CrashAt | None = None
    ) -> None:
        self.journal = journal or Journal()
        self.clock: Clock = clock or self.journal
        self.gate = Gate(crash)
        self._events: list[tuple[datetime, int, Callable[[], bool], Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._tickets: dict[str, int] = {}
        self._tellings: dict[str, Telling] = {}
        self._threads: dict[str, StageThread] = {}
        self._waiting: list[Run] = []
        self._stories: dict[str, Story] = {}
        self._stages: dict[str, StageRun] = {}
        self._queues: dict[str, Queue] = {}

    def launch(
        self, stories: dict[str, Story], stages: dict[str, StageRun], queues: tuple[Queue, ...]
    ) -> None:
        """Take up what an earlier engine on this journal left unfinished."""
        self._stories, self._stages = dict(stories), dict(stages)
        self._queues = {queue.name: queue for queue in queues}
        for run in list(self.journal.runs.values()):
            if not run.ended:
                self._admit(run)

    def start(self, story: str, run: str, payload: Any, *, delay_seconds: float = 0.0) -> None:
        """Start a story under a unique id; a second start of the same id does nothing."""
        self.require("story", story)
        self.enqueue(story, run, payload, delay_seconds)

    def send(self, run: str, topic: str, message: Any) -> None:
        """Wake a story that waits on a topic; a run that has ended or is absent hears nothing."""
        text = json.dumps(plain(f"message to {run}", message))
        if run in self.journal.runs and not self.journal.runs[run].ended:
            self.journal.letters.setdefault((run, topic), []).append(text)
            self._nudge(run)

    def cancel(self, run: str) -> None:
        """Stop a story and its children at their next step, even while it waits."""
        for known in self.journal.below(run):
            if not known.ended:
                self._end(known, "cancelled")
                self._nudge(known.id)
                self._nudge(known.parent)

    def status(self, run: str) -> str:
        """Return ``absent``, ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
        return self.journal.runs[run].status if run in self.journal.runs else "absent"

    def result(self, run: str) -> Any:
        """Return what a finished story returned, ``None`` as long as there is nothing."""
        return json.loads(self.journal.runs[run].result) if run in self.journal.runs else None

    def failure(self, run: str) -> str:
        """Return why a run failed, in one line, or an empty text."""
        return self.journal.runs[run].failure if run in self.journal.runs else ""

    def forget(self, before: datetime, keep: Collection[str] = ()) -> int:
        """Delete stories that ended before an instant, with their stages, and count them; those named stay."""
        stories = [run for run in self.journal.runs.values() if run.kind == "story" and run.id not in keep]
        gone = [run for run in stories if run.ended_at is not None and run.ended_at < before]
        for run in gone:
            for known in self.journal.below(run.id):
                del self.journal.runs[known.id]
        return len(gone)

    def close(self) -> None:
        """Stop working; unfinished runs are taken up by the next engine on this journal."""
        self.gate.dead = True
        self._events.clear()
        for telling in list(self._tellings.values()):
            with suppress(BaseException):
                telling.close()
        for thread in list(self._threads.values()):
            for _ in range(UNWIND_MAX):
                with suppress(BaseException):
                    if not thread.over:
                        thread.resume()
        self._tellings.clear()
        self._threads.clear()

    def now(self) -> datetime:
        """Return the virtual instant."""
        return self.clock.now()

    def steps(self) -> int:
        """Count the steps that this engine executed: each is a point where it can crash."""
        return self.gate.steps

    def at(self, instant: datetime, action: Callable[[], object]) -> None:
        """Do something at a virtual instant, such as answering a question."""
        heapq.heappush(self._events, (instant, next(self._numbers), lambda: True, action))

    def run_until_idle(self, until: datetime | None = None) -> None:
        """Let everything happen that is due, jumping from instant to instant.

        Without ``until`` the clock jumps as far as somebody waits; with it, exactly so far.

        Raises:
            Crash: the appointed step was reached; this engine is dead.
            OurFault: the stories never come to rest.
        """
        for _ in range(EVENTS_MAX):
            if not self._events or (until is not None and self._events[0][0] > until):
                break
            instant, _number, alive, action = heapq.heappop(self._events)
            if alive():
                self.clock.jump(max(instant, self.clock.now()))
                self._do(action)
        else:
            raise OurFault(
                "endless", f"more than {EVENTS_MAX} events without rest", "look for a loop without a wait"
            )
        if until is not None:
            self.clock.jump(max(until, self.clock.now()))

    def require(self, kind: str, name: str) -> None:
        """Raise ``OurFault`` unless this story, stage or queue was named at launch."""
        known: dict[str, Collection[str]] = {
            "story": self._stories,
            "stage": self._stages,
            "queue": self._queues,
        }
        if name not in known[kind]:
            raise fault.unknown(kind, name)

    def enqueue(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Note a story that is due later, once per run id."""
        text = json.dumps(plain(f"payload of {run}", payload))
        if run not in self.journal.runs:
            due_at = self.clock.now() + timedelta(seconds=delay_seconds)
            self._admit(self.journal.runs.setdefault(run, Run(run, "story", story, text, due_at)))

    def spawn(self, parent: Run, queue: str, stage: str, child: str, payload: Any) -> None:
        """Put a stage on a queue, once per child id."""
        if child not in self.journal.runs:
            run = Run(child, "stage", stage, json.dumps(payload), self.clock.now(), queue, parent.id)
            self._admit(self.journal.runs.setdefault(child, run))

    def _do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Crash:
            self.close()
            raise

    def _admit(self, run: Run) -> None:
        if run.kind == "story":
            self._wake(run.id, run.due_at)
        else:
            self._waiting.append(run)
            self._wake(run.id, self.clock.now())

    def _nudge(self, run: str) -> None:
        if run in self._tellings or run in self._threads:
            self._wake(run, self.clock.now())

    def _wake(self, run: str, instant: datetime) -> None:
        """Resume a run at an instant; whatever was appointed for it before is void."""
        ticket = self._tickets[run] = next(self._numbers)
        event = (instant, ticket, lambda: self._tickets.get(run) == ticket, lambda: self._resume(run))
        heapq.heappush(self._events, event)

    def _resume(self, run_id: str) -> None:
        run = self.journal.runs[run_id]
        if run.kind == "story":
            self._tell(run)
        elif run.id in self._threads:
            self._work(run, self._threads[run.id])
        else:
            self._dispatch()

    def _tell(self, run: Run) -> None:
        if run.id not in self._tellings:
            if run.ended:
                return
            run.status = "running"
            self._tellings[run.id] = Telling(self._telling(run))
        try:
            pause = self._tellings[run.id].send()
        except StopIteration:
            del self._tellings[run.id]
            return
        except BaseException:
            del self._tellings[run.id]
            raise
        self._rest(run, pause)

    def _rest(self, run: Run, pause: Pause) -> None:
        if not isinstance(pause, Pause):
            raise OurFault("foreign_await", f"story {run.id} awaits something else than its conductor")
        if pause.until is not None:
            self._wake(run.id, pause.until)

    async def _telling(self, run: Run) -> None:
        try:
            self.require("story", run.name)
            story = self._stories[run.name]
            told = plain(run.name, await story(VirtualConductor(run, self), json.loads(run.payload)))
        except fault.Cancelled:
            return
        except Exception as error:  # noqa: BLE001  a story that breaks must not break the others
            self._fail(run, error)
        else:
            self._finish(run, told)

    def _dispatch(self) -> None:
        self._waiting = [run for run in self._waiting if not run.ended]
        for run in list(self._waiting):
            if self._room(run.queue):
                self._waiting.remove(run)
                run.status = "running"
                self._threads[run.id] = StageThread(run.id, lambda run=run: self._stage(run))  # type: ignore[misc]
                self._work(run, self._threads[run.id])

    def _room(self, queue: str) -> bool:
        limit = self._queues[queue].concurrency_max if queue in self._queues else None
        busy = sum(1 for run in self._threads if self.journal.runs[run].queue == queue)
        return limit is None or busy < limit

    def _work(self, run: Run, thread: StageThread) -> None:
        thread.resume()
        if thread.over:
            del self._threads[run.id]
            self._nudge(run.parent)
            self.at(self.clock.now(), self._dispatch)

    def _stage(self, run: Run) -> None:
        thread = self._threads[run.id]

        def park(until: datetime) -> None:
            self._wake(run.id, until)
            thread.park()

        try:
            self.require("stage", run.name)
            stage = self._stages[run.name]
            done = plain(run.name, stage(VirtualEngine(run, self, park), json.loads(run.payload)))
        except fault.Cancelled:
            return
        except Exception as error:  # noqa: BLE001  the story is told
            self._fail(run, error)
        else:
            self._finish(run, done)

    def _finish(self, run: Run, result: Any) -> None:
        if not run.ended:
            self._end(run, "done")
            run.result = json.dumps(result)

    def _fail(self, run: Run, error: Exception) -> None:
        _log.error("run %s failed", run.id, exc_info=error)
        if not run.ended:
            self._end(run, "failed")
            run.failure = str(error)

    def _end(self, run: Run, status: str) -> None:
        run.status, run.ended_at = status, self.clock.now()
