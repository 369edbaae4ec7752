"""A worker's own part: its name, its queues, its lease, its beats, and how it sees that a peer is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import TheirFault, YourFault
from keelway.engine import crew as crews
from keelway.engine.crew import Crew, listens, this_worker
from keelway.engine.fault import EngineStopped
from keelway.testing.fakes.roster import FakeRoster

ROLES = ("plan", "dev", "review", "ops")


class Deaf(FakeRoster):
    """A roster that can be made to fail."""

    away = False

    def beat(self, worker_id):
        if self.away:
            raise TheirFault("store_unavailable", "away", "")
        return super().beat(worker_id)

    def alive(self, worker_id, lease_seconds):
        if self.away:
            raise TheirFault("store_unavailable", "away", "")
        return super().alive(worker_id, lease_seconds)


@pytest.fixture
def roster():
    return Deaf()


@pytest.fixture
def join(roster):
    made = []

    def join(worker=None, lease=0.6, tend=lambda dead: None, lapsed=lambda: None):
        crew = Crew(worker or this_worker(("all",)), roster, 0.05, lease)
        crew.join(tend, lapsed)
        made.append(crew)
        return crew

    yield join
    for crew in made:
        crew.rest()


def wait(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.01)


def test_every_worker_has_a_name_of_its_own():
    first, second = this_worker(("dev", "ops"), "hub"), this_worker(("all",))
    assert first.id != second.id
    assert (first.roles, first.place, first.pid, first.schema) == (("dev", "ops"), "hub", os.getpid(), "1")
    assert first.machine == second.machine != ""
    for roles in ((), ("boss",), ("dev", "boss")):
        with pytest.raises(YourFault) as caught:
            this_worker(roles)
        assert caught.value.code == "role_unknown"


@pytest.mark.parametrize(
    ("roles", "queues"),
    [
        (("dev",), {"dev"}),
        (("plan", "review"), {"plan", "review"}),
        (("ops",), {"ops", "tasks", "rollback", "watch", "ops@hub"}),
        (("all",), {"plan", "dev", "review", "ops", "tasks", "rollback", "watch", "ops@hub"}),
    ],
)
def test_a_role_serves_its_queues(roles, queues):
    every = ["plan", "dev", "review", "ops", "tasks", "rollback", "watch", "ops@hub", "dev@elsewhere"]
    worker = this_worker(roles, "hub")
    assert {queue for queue in every if listens(queue, worker)} == queues


@given(st.sampled_from([*ROLES, "tasks", "rollback", "watch"]), st.text("abc", max_size=2))
def test_somebody_serves_every_queue_and_a_pinned_one_only_there(queue, place):
    crew = [this_worker((role,), "hub") for role in ROLES]
    name = f"{queue}@{place}" if place else queue
    assert any(listens(name, worker) for worker in crew) == (place in {"", "hub"})


def test_a_lease_shorter_than_two_beats_is_refused(roster):
    with pytest.raises(YourFault) as caught:
        Crew(this_worker(("all",)), roster, 2.0, 3.0)
    assert caught.value.code == "lease_too_short"


def test_beats_keep_the_lease(join, roster):
    crew = join()
    time.sleep(0.9)
    crew.check()
    crew.fence()
    crew.leave()
    with pytest.raises(EngineStopped):
        crew.check()
    assert roster.workers()[0].state(9) == "left"


def test_without_an_answer_the_lease_runs_out_by_the_own_clock(join, roster):
    lapses = []
    crew = join(lapsed=lambda: lapses.append(1))
    roster.away = True
    with pytest.raises(TheirFault):
        crew.fence()
    crew.check()
    wait(lambda: lapses)
    for ask in (crew.check, crew.fence):
        with pytest.raises(EngineStopped):
            ask()
    roster.away = False
    time.sleep(0.15)
    with pytest.raises(EngineStopped):
        crew.check()
    assert lapses == [1]


def test_who_was_declared_dead_hears_it_at_the_fence_and_at_the_next_beat(join, roster):
    lapsed = threading.Event()
    crew = join(lapsed=lapsed.set, lease=30)
    roster.claim_dead("other", 30, (crew.worker.id,))
    with pytest.raises(EngineStopped):
        crew.fence()
    assert lapsed.wait(5)
    with pytest.raises(EngineStopped):
        crew.check()


def test_a_worker_that_wakes_too_late_stops_before_anything_else(join, roster, monkeypatch):
    crew = join(lease=30)
    later = crews.clock() + 31
    monkeypatch.setattr(crews, "clock", lambda: later)
    roster.away = True
    with pytest.raises(EngineStopped):
        crew.fence()


def test_it_joins_again_under_a_new_name_only(join, roster):
    crew = join()
    crew.rest()
    again = crew.again()
    assert again.worker == replace(crew.worker, id=again.worker.id)
    assert again.worker.id != crew.worker.id
    with pytest.raises(EngineStopped):
        again.check()
    with pytest.raises(YourFault):
        join(crew.worker)


def test_a_peer_whose_process_has_ended_is_claimed_at_once(join, roster):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mine = this_worker(("all",))
    begun = crews.psutil.Process(child.pid).create_time()
    peer = replace(mine, id="peer", pid=child.pid, begun_epoch=begun)
    roster.join(peer, 900)
    roster.join(replace(peer, id="reborn", begun_epoch=begun - 100), 900)
    roster.join(replace(peer, id="elsewhere", machine="other", pid=2**22 + 1), 900)
    roster.join(replace(peer, id="nowhere", machine="", pid=2**22 + 1), 900)
    found = []
    join(mine, lease=900, tend=found.extend)
    wait(lambda: found == ["reborn"])
    child.kill()
    wait(lambda: found == ["reborn", "peer"])
    child.communicate()
    time.sleep(0.15)
    assert found == ["reborn", "peer"]


def test_looking_after_the_others_goes_on_after_a_fault(join):
    seen = []

    def tend(dead):
        seen.append(dead)
        if len(seen) == 1:
            raise RuntimeError("once")

    join(tend=tend)
    wait(lambda: len(seen) > 2)
