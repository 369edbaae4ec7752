"""The memory engine: the promises of every engine, virtual time, crashes at every step."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.errors import OurFault
from keelway.engine.fault import EngineStopped
from keelway.engine.journal import Crash, CrashAt, Journal
from keelway.engine.memory import MemoryEngine
from keelway.ports.engine import Queue
from keelway.testing.clock import VirtualClock
from keelway.testing.conformance.engine import EngineTests

QUEUES = (Queue("dev", 1),)


class TestMemoryEngine(EngineTests):
    @pytest.fixture
    def runtime(self):
        engine = MemoryEngine()
        yield engine
        engine.close()

    @pytest.fixture
    def wait(self, runtime):
        def wait(condition):
            for _ in range(100):
                runtime.run_until_idle(until=runtime.now())
                if condition():
                    return
                runtime.run_until_idle(until=runtime.now() + timedelta(seconds=0.1))
            pytest.fail("the condition never held")

        return wait


def _life(world: list[str]):
    """A story with every verb; ``world`` is what its effects leave behind, outside the journal."""

    def build(engine, payload):
        made = engine.step("make", lambda: world.append("make") or payload["n"] + 1)
        engine.sleep(600)
        at = engine.now().isoformat()
        engine.step("test", lambda: world.append("test"))
        return {"made": made, "at": at}

    async def deliver(conductor, payload):
        begin = (await conductor.now()).isoformat()
        await conductor.step("plan", lambda: world.append("plan"))
        answer = await conductor.receive("answer", 3600)
        built = await conductor.call("dev", "build", "build-1", payload)
        silence = await conductor.receive("silence", 60)
        await conductor.start("watch", "T1/watch", {"of": conductor.id}, 86_400)
        return [begin, answer, built, silence]

    async def watch(conductor, payload):
        await conductor.step("watch", lambda: world.append("watch"))
        return payload

    return {"deliver": deliver, "watch": watch}, {"build": build}


def _run_to_end(journal: Journal, world: list[str], crash: CrashAt | None) -> MemoryEngine:
    engine = MemoryEngine(journal, crash=crash)
    engine.launch(*_life(world), QUEUES)
    engine.start("deliver", "T1", {"n": 1})
    if not journal.letters.get(("T1", "answer")) and "make" not in world:
        engine.at(engine.now() + timedelta(minutes=5), lambda: engine.send("T1", "answer", "yes"))
    engine.run_until_idle()
    return engine


def _clean() -> tuple[Journal, list[str], int]:
    journal, world = Journal(), []
    return journal, world, _run_to_end(journal, world, None).steps()


STEPS = _clean()[2]


def test_the_clean_run():
    journal, world, steps = _clean()
    assert world == ["plan", "make", "test", "watch"]
    begin, answer, built, silence = MemoryEngine(journal).result("T1")
    assert (begin, answer, silence) == ("2026-01-05T09:00:00+00:00", "yes", None)
    assert built == {"made": 2, "at": "2026-01-05T09:15:00+00:00"}
    assert journal.now().isoformat() == "2026-01-06T09:16:00+00:00"
    assert steps >= 15


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("n", range(1, STEPS + 1))
def test_a_crash_at_any_step_changes_nothing_but_one_effect(n, when):
    journal, world = Journal(), []
    with pytest.raises(Crash):
        _run_to_end(journal, world, CrashAt(n, when))
    before = list(world)
    engine = _run_to_end(journal, world, None)
    assert engine.status("T1") == engine.status("T1/watch") == "done"
    assert engine.result("T1")[1:] == [
        "yes",
        {"made": 2, "at": engine.result("T1")[2]["at"]},
        None,
    ]
    expected = ["plan", "make", "test", "watch"]
    repeated = [name for name in expected if world.count(name) == 2]
    assert sorted(set(world)) == sorted(expected)
    assert len(world) - 4 == len(repeated) <= (1 if when == "after" else 0)
    assert not repeated or before[-1] == repeated[0]


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["before", "after"])), max_size=12))
@settings(deadline=None, max_examples=60)
def test_any_series_of_crashes_ends_alike(crashes):
    journal, world = Journal(), []
    for n, when in crashes:
        try:
            _run_to_end(journal, world, CrashAt(n, when))
        except Crash:
            continue
        break
    engine = _run_to_end(journal, world, None)
    assert engine.status("T1") == engine.status("T1/watch") == "done"
    assert set(world) == {"plan", "make", "test", "watch"}
    assert engine.result("T1")[1] == "yes"


def test_a_day_of_checks_takes_no_time():
    seen: list[str] = []

    def check(engine, payload):
        return engine.step("check", lambda: engine.wall().isoformat())

    async def watch(conductor, payload):
        seen.append(await conductor.call("ops", "check", "check", payload))
        if payload["n"] < 96:
            await conductor.start("watch", f"W{payload['n'] + 1}", {"n": payload["n"] + 1}, 900)

    engine = MemoryEngine()
    engine.launch({"watch": watch}, {"check": check}, (Queue("ops"),))
    begin_at, begin = engine.now(), time.perf_counter()
    engine.start("watch", "W1", {"n": 1}, delay_seconds=900)
    engine.run_until_idle()
    assert len(seen) == 96
    assert engine.now() - begin_at == timedelta(hours=24)
    assert time.perf_counter() - begin < 10  # a day in no more than seconds, however busy the machine


def test_two_stories_overlap_in_virtual_time():
    def work(engine, payload):
        engine.sleep(payload)
        return engine.now().isoformat()

    async def story(conductor, payload):
        return await conductor.call("dev", "work", "1", payload)

    for limit, expected in ((2, {"A": "09:15", "B": "09:10"}), (1, {"A": "09:15", "B": "09:25"})):
        engine = MemoryEngine()
        engine.launch({"story": story}, {"work": work}, (Queue("dev", limit),))
        engine.start("story", "A", 900)
        engine.start("story", "B", 600)
        engine.run_until_idle()
        assert {run: engine.result(run)[11:16] for run in "AB"} == expected


def test_a_clock_can_be_shared_with_fakes():
    clock = VirtualClock()

    async def story(conductor, payload):
        await conductor.step("slow", lambda: clock.advance(600))
        return (await conductor.now()).isoformat()

    engine = MemoryEngine(clock=clock)
    engine.launch({"story": story}, {}, ())
    engine.start("story", "T1", None)
    engine.run_until_idle()
    assert engine.result("T1") == "2026-01-05T09:10:00+00:00" == clock.now().isoformat()


def test_a_changed_story_is_found_out():
    async def old(conductor, payload):
        await conductor.step("plan", lambda: 1)
        await conductor.receive("answer", 3600)

    async def new(conductor, payload):
        await conductor.step("research", lambda: 1)

    engine = MemoryEngine()
    engine.launch({"story": old}, {}, ())
    engine.start("story", "T1", None)
    engine.run_until_idle(until=engine.now())
    engine.close()
    successor = MemoryEngine(engine.journal)
    successor.launch({"story": new}, {}, ())
    successor.run_until_idle()
    assert successor.status("T1") == "failed"
    assert "nondeterministic" in successor.failure("T1")


def test_a_story_without_rest_is_stopped(monkeypatch):
    monkeypatch.setattr("keelway.engine.memory.EVENTS_MAX", 50)

    async def story(conductor, payload):
        while True:
            await conductor.receive("never", 1)

    engine = MemoryEngine()
    engine.launch({"story": story}, {}, ())
    engine.start("story", "T1", None)
    with pytest.raises(OurFault, match="without rest"):
        engine.run_until_idle()
    engine.close()


def test_a_foreign_wait_is_refused():
    class Foreign:
        def __await__(self):
            yield "something else"

    async def story(conductor, payload):
        await Foreign()

    engine = MemoryEngine()
    engine.launch({"story": story}, {}, ())
    engine.start("story", "T1", None)
    with pytest.raises(OurFault, match="awaits something else"):
        engine.run_until_idle()
    engine.close()


def test_a_dead_engine_lets_nothing_happen_outside():
    acted = []

    def stage(engine, payload):
        engine.step("first", engine.fence)
        engine.step("second", lambda: setattr(gate, "dead", True))
        acted.append("recorded")

    def freeze(engine, payload):
        def act():
            gate.dead = True
            engine.fence()
            acted.append("act")

        engine.step("act", act)

    async def story(conductor, payload):
        await conductor.call("dev", payload, "1", None)

    for name in ("stage", "freeze"):
        engine = MemoryEngine()
        gate = engine.gate
        engine.launch({"story": story}, {"stage": stage, "freeze": freeze}, (Queue("dev"),))
        engine.start("story", "T1", name)
        with pytest.raises(EngineStopped):
            engine.run_until_idle()
        engine.close()
    assert acted == []


def test_a_day_of_watching_takes_milliseconds():
    """A look every minute for a day, each in a run of its own that costs nothing while it waits."""
    looks = []

    async def watch(conductor, payload):
        at = await conductor.now()
        await conductor.step("look", lambda: looks.append(at))
        if payload < 1440:
            await conductor.start("watch", f"T1:watch-{payload + 1}", payload + 1, 60)

    engine = MemoryEngine()
    engine.launch({"watch": watch}, {}, ())
    begin_at, begin = engine.now(), time.process_time()
    engine.start("watch", "T1:watch-1", 1, delay_seconds=60)
    engine.run_until_idle()
    milliseconds = (time.process_time() - begin) * 1000
    print(f"1440 looks in {milliseconds:.0f} ms of processor time")
    assert (len(looks), engine.now() - begin_at) == (1440, timedelta(days=1))
    assert milliseconds < 3_000
