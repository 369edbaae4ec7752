"""Ten durable steps on Keelway's engine: in a story, or as a task does it, in a stage that a story calls."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

from turn import STEPS, Stamps, serve

from keelway.engine.durable import DbosEngine
from keelway.ports.engine import Conductor, Engine, Queue

POLL_SECONDS = 0.002
WAIT_SECONDS_MAX = 60.0


class Work:
    """Hold the story, the stage and who waits for their ends."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self.ended: dict[str, threading.Event] = {}

    async def story(self, conductor: Conductor, task: Any) -> int:
        """Do the steps in the story itself."""
        for number in range(STEPS):
            await conductor.step(f"step-{number}", lambda number=number: self._stamps.note(task, number))
        self.ended[task].set()
        return STEPS

    async def calling(self, conductor: Conductor, task: Any) -> Any:
        """Let a stage on a queue do the steps."""
        told = await conductor.call("dev", "work", "work-1", task)
        self.ended[task].set()
        return told

    def stage(self, engine: Engine, task: Any) -> int:
        """Do the steps in a stage, each behind the fence that guards effects."""
        for number in range(STEPS):
            engine.step(f"step-{number}", lambda number=number: self._effect(engine, task, number))
        return STEPS

    def _effect(self, engine: Engine, task: str, number: int) -> dict[str, int]:
        fence = getattr(engine, "fence", None)
        if fence is not None:
            fence()
        return self._stamps.note(task, number)


def main() -> None:
    """Serve turns: database, home, and ``story`` or ``calling``."""
    url, home, kind = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    stamps = Stamps()
    work = Work(stamps)
    engine = DbosEngine(url, home)
    engine.launch({"story": work.story, "calling": work.calling}, {"work": work.stage}, (Queue("dev"),))

    def run_one(task: str) -> None:
        work.ended[task] = threading.Event()
        engine.start(kind, task, task)
        work.ended[task].wait(WAIT_SECONDS_MAX)
        end = time.monotonic() + WAIT_SECONDS_MAX
        while engine.status(task) != "done":
            if time.monotonic() > end:
                raise SystemExit(f"{task} is {engine.status(task)}: {engine.failure(task)}")
            time.sleep(POLL_SECONDS)
        del work.ended[task]

    serve(run_one, stamps)
    engine.close()


if __name__ == "__main__":
    main()
