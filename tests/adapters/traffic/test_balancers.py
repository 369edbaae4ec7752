"""HAProxy and Traefik under their keeper: nobody is cut off, nothing is forgotten, nothing counts twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest
from tests.adapters.target.process_rig import PYTHON, project_of
from tests.adapters.traffic.balancers import KINDS, needed
from tests.adapters.traffic.street import RealStreet, real_street

from keelway.adapters.traffic.front import FrontTraffic
from keelway.adapters.traffic.haproxy import HaproxyTraffic
from keelway.adapters.traffic.traefik import TraefikTraffic
from keelway.clients.control import Front
from keelway.clients.places import Places
from keelway.core.errors import TheirFault, YourFault
from keelway.ports.traffic import Counted, Route
from keelway.programs.balancer.haproxy.line import Line

pytestmark = pytest.mark.deploys


@pytest.fixture(params=KINDS)
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealStreet]:
    with real_street(needed(KINDS[request.param]), tmp_path) as made:
        made.traffic.ensure(made.environment)
        yield made


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_killed_keeper_cuts_nobody_off_and_finds_its_balancer_again(street: RealStreet) -> None:
    street.traffic.route(street.environment, {"old": street.open("old")}, epoch=3)
    said = street.said()
    found: Counter[str] = Counter()
    done = Event()
    user = Thread(target=lambda: [found.update([street.ask()]) for _ in iter(done.is_set, True)])
    user.start()
    os.kill(int(said["pid"]), signal.SIGKILL)
    until(lambda: gone(int(said["pid"])))
    assert street.traffic.ensure(street.environment)
    until(lambda: sum(found.values()) > 50)
    done.set()
    user.join(10)
    assert set(found) == {"old"}
    again = street.said()
    assert (again["balancer_pid"], again["epoch"], again["state_error"]) == (said["balancer_pid"], 3, None)
    wanted = {"old": Counted(sum(found.values()), 0)}
    until(lambda: street.traffic.counters(street.environment) == wanted)


def test_a_killed_balancer_comes_back_with_its_routes(street: RealStreet) -> None:
    routes = {"old": Route(70, street.open("old").urls), "new": Route(30, street.open("new").urls)}
    street.traffic.route(street.environment, routes, epoch=2)
    before = Counter(street.ask() for _ in range(20))
    until(lambda: sum(one.requests for one in street.traffic.counters(street.environment).values()) == 20)
    os.kill(int(street.said()["balancer_pid"]), signal.SIGKILL)
    until(lambda: street.ask() != "")
    until(lambda: street.said()["state_error"] is None)
    assert street.traffic.state(street.environment).table == routes
    after = Counter(street.ask() for _ in range(100))
    assert set(after) == {"old", "new"}
    assert 20 <= after["new"] <= 40
    counts = street.traffic.counters(street.environment)
    until(lambda: sum(one.requests for one in street.traffic.counters(street.environment).values()) >= 120)
    assert counts["old"].requests >= before["old"]


def test_a_release_that_does_not_listen_gets_no_traffic(street: RealStreet) -> None:
    street.traffic.route(street.environment, {"old": street.open("old")}, epoch=1)
    dead = Route(100, ("http://127.0.0.1:9",))
    with pytest.raises(TheirFault) as caught:
        street.traffic.route(street.environment, {"dead": dead}, epoch=1)
    assert caught.value.code == "not_taken"
    assert "http://127.0.0.1:9" in caught.value.message
    assert {street.ask() for _ in range(10)} == {"old"}
    assert street.traffic.state(street.environment).active == "old"


def test_twenty_releases_after_one_another_need_no_room(street: RealStreet) -> None:
    for number in range(20):
        name = f"r{number}"
        street.traffic.route(street.environment, {name: street.open(name)}, epoch=number)
        assert {street.ask() for _ in range(5)} == {name}
    until(lambda: len(street.traffic.counters(street.environment)) == 20)


def test_latency_is_counted_where_the_balancer_measures_it(tmp_path: Path) -> None:
    with real_street(needed(TraefikTraffic), tmp_path) as street:
        street.traffic.ensure(street.environment)
        street.traffic.route(street.environment, {"old": street.open("old")}, epoch=1)
        street.ask(path="/hold/0.3")
        until(lambda: street.traffic.counters(street.environment).get("old") == Counted(1, 0))
        counted = Front(Places(street.home).front_socket(street.environment)).counters()["releases"]["old"]
        latency = counted["latency"]
        pairs = zip(latency["bounds_ms"], latency["counts"], strict=False)
        assert sum(count for bound, count in pairs if bound > 250) == sum(latency["counts"]) == 1


def test_ending_it_ends_the_balancer_too(street: RealStreet) -> None:
    street.traffic.route(street.environment, {"old": street.open("old")}, epoch=1)
    said = street.said()
    street.traffic.stop(street.environment, 2.0)
    assert gone(int(said["pid"]))
    assert gone(int(said["balancer_pid"]))


def test_another_balancer_is_not_taken_for_the_configured_one(street: RealStreet) -> None:
    front = FrontTraffic(street.project, str(street.home), PYTHON)
    with pytest.raises(YourFault) as caught:
        front.ensure(street.environment)
    assert caught.value.code == "other_balancer"
    assert "keelway down" in caught.value.hint


def test_a_balancer_that_is_not_there_is_named_with_its_cure(tmp_path: Path) -> None:
    traffic = HaproxyTraffic(project_of((1, 2)), str(tmp_path), PYTHON, "no-such-haproxy")
    with pytest.raises(YourFault) as caught:
        traffic.ensure("production")
    assert (caught.value.code, caught.value.hint) == ("balancer_missing", "apt-get install haproxy")


def test_haproxy_is_told_again_what_it_forgot(tmp_path: Path) -> None:
    with real_street(needed(HaproxyTraffic), tmp_path) as street:
        street.traffic.ensure(street.environment)
        street.traffic.route(street.environment, {"old": street.open("old")}, epoch=1)
        line = Line(Places(street.home).front_socket(street.environment).parent / "ha")
        name = next(iter(street.saved("haproxy.slots")))
        asyncio.run(line.say([f"set server releases/{name} state maint"]))
        until(lambda: street.ask() == "old", 5.0)


def test_haproxy_repeats_no_request_that_may_have_had_its_effect(tmp_path: Path) -> None:
    with real_street(needed(HaproxyTraffic), tmp_path) as street:
        street.traffic.ensure(street.environment)
        street.traffic.route(street.environment, {"old": street.open("old")}, epoch=1)
        old = street.releases["old"]
        assert street.ask(path="/lost", method="POST") == ""
        assert old.lost == 1
        assert street.ask(path="/lost") == ""
        assert old.lost > 2
