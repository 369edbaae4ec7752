"""Hold every engine to the same promises, in virtual or in real time."""
# ruff: noqa: ARG001, S101  these are tests, shipped for the authors of engines

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keelway.core.errors import OurFault, TheirFault
from keelway.ports.engine import Conductor, Engine
from keelway.testing.conformance.stopping import QUEUES, StoppingTests, Wait

__all__ = ["QUEUES", "EngineTests", "Wait", "calls"]


async def calls(conductor: Conductor, payload: Any) -> Any:
    """Call one stage on the queue of one."""
    return await conductor.call("deploy", "stage", "1", payload)


class EngineTests(StoppingTests):
    """Subclass it with two fixtures: ``wait`` and ``runtime``, which is not yet launched.

    Beyond the port a runtime tells ``result(run)`` and ``failure(run)``, and can ``forget(before)``.
    """

    def test_steps_run_once_in_order_and_return_json(self, runtime: Any, wait: Wait) -> None:
        """Run effects in the order of the story; tuples come back as lists, as a replay would see them."""
        numbers = itertools.count(1)

        async def _story(conductor: Conductor, payload: Any) -> Any:
            first = await conductor.step("first", lambda: (next(numbers), {"a": None}))
            second = await conductor.step("second", lambda: next(numbers))
            return [conductor.id, payload, first, second]

        assert self.run(runtime, wait, _story) == ["T1", {"n": 1}, [1, {"a": None}], 2]

    def test_what_is_not_json_is_refused(self, runtime: Any, wait: Wait) -> None:
        """Refuse step results, payloads and messages that a record cannot hold."""

        async def _story(conductor: Conductor, payload: Any) -> Any:
            with pytest.raises(OurFault) as caught:
                await conductor.step("bad", object)
            return caught.value.code

        assert self.run(runtime, wait, _story) == "not_json"
        with pytest.raises(OurFault, match="JSON"):
            runtime.start("story", "T2", {"at": datetime.now(UTC)})
        with pytest.raises(OurFault, match="JSON"):
            runtime.send("T1", "topic", float("nan"))
        assert runtime.status("T2") == "absent"

    def test_faults_of_effects_keep_their_kind(self, runtime: Any, wait: Wait) -> None:
        """Raise the fault that an effect raised; anything else becomes our fault."""

        def refuse() -> None:
            raise TheirFault("push_refused", "the forge said no", "try later")

        def stage(engine: Engine, payload: Any) -> Any:
            with pytest.raises(TheirFault) as theirs:
                engine.step("push", refuse)
            with pytest.raises(OurFault, match="ZeroDivisionError"):
                engine.step("divide", lambda: 1 // 0)
            return [theirs.value.code, theirs.value.message, theirs.value.hint]

        told = self.run(runtime, wait, calls, stage=stage)
        assert told == ["push_refused", "the forge said no", "try later"]

    def test_who_may_act_passes_the_fence(self, runtime: Any, wait: Wait) -> None:
        """Let an effect happen as long as the engine works."""

        def stage(engine: Engine, payload: Any) -> Any:
            def act() -> str:
                engine.fence()
                return "acted"

            return engine.step("act", act)

        assert self.run(runtime, wait, calls, stage=stage) == "acted"

    def test_now_and_sleep(self, runtime: Any, wait: Wait) -> None:
        """Advance the recorded clock by at least the sleep."""

        def stage(engine: Engine, payload: Any) -> Any:
            begin_at = engine.now()
            engine.sleep(0.3)
            wall = engine.step("wall", lambda: engine.wall().isoformat())
            return [begin_at.isoformat(), wall, engine.now().isoformat()]

        told = [datetime.fromisoformat(text) for text in self.run(runtime, wait, calls, stage=stage)]
        assert all(instant.utcoffset() == timedelta(0) for instant in told)
        assert told[0] <= told[1] - timedelta(seconds=0.29) < told[2]

    def test_what_begins_today_takes_the_new_way_of_a_patch(self, runtime: Any, wait: Wait) -> None:
        """Leave a mark where the code changed, in a stage and in a story; passing a mark leaves none."""

        def stage(engine: Engine, payload: Any) -> Any:
            engine.deprecate_patch("older")
            return [engine.patch("new"), engine.step("then", lambda: "done")]

        async def _story(conductor: Conductor, payload: Any) -> Any:
            await conductor.deprecate_patch("older")
            new = await conductor.patch("new")
            return [new, await conductor.call("deploy", "stage", "1", payload)]

        assert self.run(runtime, wait, _story, stage=stage) == [True, [True, "done"]]

    def test_receive_in_time_early_and_never(self, runtime: Any, wait: Wait) -> None:
        """Deliver messages in order, also those sent before the wait, and give up in time."""

        async def _story(conductor: Conductor, payload: Any) -> Any:
            early = [await conductor.receive("answer", 30) for _ in range(2)]
            late = await conductor.receive("answer", 30)
            return [*early, late, await conductor.receive("other", 0.2), await conductor.receive("other", 0)]

        self.begin(runtime, _story)
        runtime.send("T1", "answer", {"yes": 1})
        time.sleep(0.005)  # messages of one millisecond have no order
        runtime.send("T1", "answer", None)
        wait(lambda: runtime.status("T1") == "running")
        runtime.send("T1", "answer", "late")
        wait(lambda: runtime.status("T1") == "done")
        assert runtime.result("T1") == [{"yes": 1}, None, "late", None, None]
        for run, status in (("T1", "done"), ("T9", "absent")):  # both hear nothing, quietly
            runtime.send(run, "answer", 1)
            runtime.cancel(run)
            assert runtime.status(run) == status

    def test_a_stage_that_raises_is_our_fault(self, runtime: Any, wait: Wait) -> None:
        """Tell the story why, so that it can end the task; the story's own errors fail the run."""

        def stage(engine: Engine, payload: Any) -> Any:
            raise ValueError("the disk is full")

        async def _story(conductor: Conductor, payload: Any) -> Any:
            try:
                await conductor.call("dev", "stage", "1", payload)
            except OurFault as error:
                await conductor.step("after", lambda: None)
                raise RuntimeError(f"{error.code}: {error.message}") from None

        self.begin(runtime, _story, stage=stage)
        wait(lambda: runtime.status("T1") == "failed")
        assert "stage_failed" in runtime.failure("T1")
        assert "the disk is full" in runtime.failure("T1")

    def test_misuse_is_named(self, runtime: Any, wait: Wait) -> None:
        """Refuse unknown names, a key used twice and a verb inside an effect."""

        def stage(engine: Engine, payload: Any) -> Any:
            with pytest.raises(OurFault) as caught:
                engine.step("outer", lambda: engine.step("inner", lambda: 1))
            return caught.value.code

        async def _story(conductor: Conductor, payload: Any) -> Any:
            told = [await conductor.call("dev", "stage", "1", payload)]
            for queue, name, key in (
                ("dev", "nobody", "2"),
                ("nowhere", "stage", "2"),
                ("dev", "stage", "1"),
            ):
                with pytest.raises(OurFault) as caught:
                    await conductor.call(queue, name, key, payload)
                told.append(caught.value.code)
            return told

        told = self.run(runtime, wait, _story, stage=stage)
        assert told == ["verb_in_verb", "stage_unknown", "queue_unknown", "key_again"]
        with pytest.raises(OurFault, match="no story"):
            runtime.start("nothing", "T2", None)

    def test_a_limited_queue_takes_one_after_the_other(self, runtime: Any, wait: Wait) -> None:
        """Never run two stages at once on a queue of one, whatever stories ask."""
        door = threading.Lock()

        def stage(engine: Engine, payload: Any) -> Any:
            alone = door.acquire(blocking=False)
            engine.sleep(0.15)
            door.release()
            return [payload, alone]

        runs = ["T1", "T2", "T3"]
        runtime.launch({"story": calls}, {"stage": stage}, QUEUES)
        for run in runs:
            runtime.start("story", run, run)
        wait(lambda: all(runtime.status(run) == "done" for run in runs))
        assert [runtime.result(run) for run in runs] == [[run, True] for run in runs]

    def test_the_same_id_starts_once(self, runtime: Any, wait: Wait) -> None:
        """Ignore a second start, before and after the run has ended, from outside and from a story."""
        told: list[Any] = []

        async def _story(conductor: Conductor, payload: Any) -> Any:
            await conductor.step("tell", lambda: told.append(payload))
            if payload == "first":
                await conductor.start("story", "T1", "third", 0)
                await conductor.start("story", "T2", "other", 0)

        runtime.launch({"story": _story}, {}, QUEUES)
        runtime.start("story", "T1", "first")
        runtime.start("story", "T1", "second")
        wait(lambda: runtime.status("T1") == runtime.status("T2") == "done")
        runtime.start("story", "T1", "fourth")
        assert (runtime.status("T1"), told) == ("done", ["first", "other"])

    def test_a_delayed_start_waits_as_a_row(self, runtime: Any, wait: Wait) -> None:
        """Keep a later story queued until its time; it can be cancelled there."""
        begun: list[str] = []

        async def _story(conductor: Conductor, payload: Any) -> Any:
            await conductor.step("begin", lambda: begun.append(conductor.id))
            if payload == "first":
                await conductor.start("story", "T2", None, 1.5)
                await conductor.start("story", "T3", None, 3600)

        runtime.launch({"story": _story}, {}, QUEUES)
        runtime.start("story", "T1", "first")
        wait(lambda: runtime.status("T1") == "done")
        assert (runtime.status("T2"), runtime.status("T3")) == ("queued", "queued")
        runtime.cancel("T1")
        runtime.cancel("T3")
        assert (runtime.status("T2"), runtime.status("T3")) == ("queued", "cancelled")
        wait(lambda: runtime.status("T2") == "done")
        assert begun == ["T1", "T2"]
