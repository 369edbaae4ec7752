"""Hold every engine to its promises about cancelling and forgetting."""
# ruff: noqa: ARG001, PLR2004, S101  these are tests, shipped for the authors of engines

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from keelway.core.errors import OurFault
from keelway.ports.engine import Conductor, Engine, Queue

Wait = Callable[[Callable[[], bool]], None]
"""Let the engine work until the condition holds, and fail after a reasonable time."""


QUEUES = (Queue("dev"), Queue("deploy", 1))


class StoppingTests:
    """Subclass ``EngineTests``, which brings these along."""

    def begin(self, runtime: Any, story: Any, **stages: Any) -> None:
        """Launch one story and its stages and start it as T1."""
        runtime.launch({"story": story}, stages, QUEUES)
        runtime.start("story", "T1", {"n": 1})

    def run(self, runtime: Any, wait: Wait, story: Any, **stages: Any) -> Any:
        """Run one story to its end and return its result."""
        self.begin(runtime, story, **stages)
        wait(lambda: runtime.status("T1") in {"done", "failed"})
        assert runtime.status("T1") == "done", runtime.failure("T1")
        return runtime.result("T1")

    def test_cancel_ends_a_waiting_story(self, runtime: Any, wait: Wait) -> None:
        """Wake a story that waits for a person, and let nothing more happen in it."""
        seen: list[str] = []

        async def _story(conductor: Conductor, payload: Any) -> Any:
            try:
                await conductor.step("before", lambda: seen.append("before"))
                with suppress(Exception):
                    await conductor.receive("answer", 3600)
            finally:
                seen.append("left")
            await conductor.step("after", lambda: seen.append("after"))

        self.begin(runtime, _story)
        wait(lambda: seen == ["before"])
        time.sleep(0.2)  # in real time, let it reach the wait; it leaves all the same if it has not
        runtime.cancel("T1")
        wait(lambda: "left" in seen)
        assert (seen, runtime.status("T1")) == (["before", "left"], "cancelled")

    def test_cancel_ends_a_stage(self, runtime: Any, wait: Wait) -> None:
        """Stop the story and the stage that it waits for, even while the stage sleeps."""
        seen: list[str] = []

        def stage(engine: Engine, payload: Any) -> Any:
            try:
                engine.step("before", lambda: seen.append("before"))
                with suppress(Exception):
                    engine.sleep(3600)
                engine.step("after", lambda: seen.append("after"))
            finally:
                seen.append("left")

        async def _story(conductor: Conductor, payload: Any) -> Any:
            try:
                with suppress(Exception):
                    await conductor.call("dev", "stage", "1", None)
                await conductor.step("after", lambda: seen.append("after"))
            finally:
                seen.append("ended")

        self.begin(runtime, _story, stage=stage)
        wait(lambda: "before" in seen)
        runtime.cancel("T1")
        wait(lambda: len(seen) == 3)
        assert (seen[0], sorted(seen[1:])) == ("before", ["ended", "left"])
        assert (runtime.status("T1"), runtime.status("T1/1")) == ("cancelled", "cancelled")

    def test_a_stage_cancelled_alone_is_told_to_its_story(self, runtime: Any, wait: Wait) -> None:
        """Let the story go on when only its stage was cancelled."""

        async def _story(conductor: Conductor, payload: Any) -> Any:
            with pytest.raises(OurFault) as caught:
                await conductor.call("dev", "stage", "1", None)
            return caught.value.code

        self.begin(runtime, _story, stage=lambda engine, _payload: engine.sleep(3600))
        wait(lambda: runtime.status("T1/1") == "running")
        runtime.cancel("T1/1")
        wait(lambda: runtime.status("T1") == "done")
        assert runtime.result("T1") == "stage_cancelled"

    def test_forget_deletes_what_has_ended(self, runtime: Any, wait: Wait) -> None:
        """Delete ended stories with their stages and leave the others."""

        def stage(engine: Engine, payload: Any) -> Any:
            return payload

        async def _story(conductor: Conductor, payload: Any) -> Any:
            await conductor.call("dev", "stage", "1", payload)
            return await conductor.receive("answer", 3600) if payload == "waits" else None

        self.begin(runtime, _story, stage=stage)
        runtime.start("story", "T2", "waits")
        wait(lambda: runtime.status("T1") == "done" and runtime.status("T2/1") == "done")
        assert runtime.forget(datetime(2020, 1, 1, tzinfo=UTC)) == 0
        assert runtime.forget(datetime(2999, 1, 1, tzinfo=UTC), {"T1"}) == 0
        assert runtime.forget(datetime(2999, 1, 1, tzinfo=UTC)) == 1
        assert [runtime.status(run) for run in ("T1", "T1/1")] == ["absent", "absent"]
        assert [runtime.status(run) for run in ("T2", "T2/1")] == ["running", "done"]
