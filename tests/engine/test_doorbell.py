"""Queues are looked at when somebody rings, not only when their turn comes."""

from __future__ import annotations

import threading
import time

import pytest
from tests.engine.rig import until

from keelway.engine.durable import DbosEngine
from keelway.engine.fault import EngineStopped
from keelway.engine.run.doorbell import PAUSES, QueueBell, Slots
from keelway.testing.conformance.engine import QUEUES

RARELY = 30.0


def _seconds(bell, timeout):
    begun = time.monotonic()
    ends = bell.wait(timeout)
    return time.monotonic() - begun, ends


def test_a_ring_ends_the_wait_and_makes_the_next_ones_short():
    bell = QueueBell(threading.Event())
    bell.ring()
    waits = [_seconds(bell, 0.9) for _ in range(len(PAUSES) + 2)]
    assert not any(ends for _, ends in waits)
    assert waits[0][0] < PAUSES[0]
    for (took, _), pause in zip(waits[1:], PAUSES, strict=False):
        assert took == pytest.approx(pause, abs=0.2)
    assert waits[-1][0] > 0.8, "without a ring it waits for its turn again"


def test_the_end_is_told_and_a_ring_ends_the_wait_for_it():
    stop = threading.Event()
    bell = QueueBell(stop)
    threading.Timer(0.1, lambda: stop.set() or bell.ring()).start()
    took, ends = _seconds(bell, RARELY)
    assert ends
    assert bell.is_set()
    assert took < 5


@pytest.fixture
def engine(tmp_path):
    known = DbosEngine(f"sqlite:///{tmp_path}/engine.db", tmp_path)
    known.launch({}, {}, QUEUES)  # a first launch finds new queues only after a second
    known.close()
    engine = DbosEngine(f"sqlite:///{tmp_path}/engine.db", tmp_path, poll_seconds=RARELY)
    yield engine
    engine.close()


def test_work_is_found_at_once_although_the_queues_are_hardly_ever_asked(engine):
    """Three stages on a queue of one: each beginning and each end has to be told by a ring."""
    at_work, most = [], []

    async def story(conductor, payload):
        return await conductor.call("deploy", "work", "1", payload)

    def work(verbs, payload):
        at_work.append(payload)
        most.append(len(at_work))
        verbs.step("act", lambda: time.sleep(0.1))
        at_work.remove(payload)
        return payload

    begun = time.monotonic()
    engine.launch({"deliver": story}, {"work": work}, QUEUES)
    for number in range(3):
        engine.start("deliver", f"T{number}", number)
    until(lambda: [engine.result(f"T{number}") for number in range(3)] == [0, 1, 2])
    assert time.monotonic() - begun < RARELY / 2
    assert max(most) == 1
    begun = time.monotonic()
    engine.close()
    assert time.monotonic() - begun < RARELY / 2


def test_the_function_of_dbos_is_given_back(engine):
    from dbos import _queue

    before = _queue.queue_worker_thread
    engine.launch({}, {}, QUEUES)
    assert _queue.queue_worker_thread is not before
    engine.close()
    assert _queue.queue_worker_thread is before


def test_a_queue_that_took_too_many_lets_them_wait():
    slots, most, inside = Slots({"deploy": 2, "dev": None}), [], []

    def enter(queue):
        with slots.taken(queue, lambda: None):
            inside.append(queue)
            most.append(len(inside))
            time.sleep(0.05)
            inside.remove(queue)

    for queue, limit in (("deploy", 2), ("dev", 6), ("nobody's", 6)):
        most.clear()
        threads = [threading.Thread(target=enter, args=(queue,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(most) == 6
        assert max(most) <= limit


def test_who_waits_for_room_may_be_told_to_leave():
    slots = Slots({"deploy": 1})

    def leave():
        raise EngineStopped

    with slots.taken("deploy", lambda: None), pytest.raises(EngineStopped), slots.taken("deploy", leave):
        pytest.fail("there was no room")
