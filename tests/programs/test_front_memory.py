"""Prove what a front remembers, what damage costs, and that an old owner never speaks for a new one."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

sys.path.append(str(Path(__file__).parent))

from front_rig import FrontRig, auntil, closed_port, release, say


@pytest.fixture
def front(tmp_path) -> Iterator[FrontRig]:
    rig = FrontRig(tmp_path, "--tick-seconds", "0.2", "--drain-seconds", "5")
    try:
        yield rig
    finally:
        rig.leave()


async def ask(front: FrontRig, times: int = 1) -> list[int]:
    statuses = []
    async with aiohttp.ClientSession() as client:
        for _ in range(times):
            async with client.get(front.url + "/items/7") as answer:
                await answer.read()
                statuses.append(answer.status)
    return statuses


def ticks(front: FrontRig, name: str, since: float = 0) -> list[dict]:
    return front.call("GET", f"/history?since={since}&release={name}")[1]["ticks"]


async def test_quiet_ticks_of_active_releases_are_there(front):
    async with release(say("x")) as url:
        front.start().route(on=(url, 100), off=(url, 0))
        await ask(front, 3)
        await auntil(lambda: len([t for t in ticks(front, "on") if t["requests"] == 0]) >= 3)
        busy = [t for t in ticks(front, "on") if t["requests"]]
        assert sum(t["requests"] for t in busy) == 3
        assert {route for t in busy for route in t["routes"]} == {"/items/{id}"}
        assert all(sum(t["latency_counts"]) == t["requests"] for t in busy)
        assert ticks(front, "off") == []
        assert front.call("GET", "/history?since=99999999999")[1]["ticks"] == []


async def test_errors_count_by_route(front):
    async def sick(request: web.Request) -> web.Response:
        return web.Response(status=int(request.query["s"]))

    async with release(sick) as url, aiohttp.ClientSession() as client:
        front.start().route(sick=(url, 100))
        for path in ("/pay/1?s=500", "/pay/2?s=200", "/gone/3?s=404", "/pay/3?s=503"):
            async with client.get(front.url + path):
                pass
        await auntil(lambda: sum(t["requests"] for t in ticks(front, "sick")) == 4)
        routes: dict[str, list[int]] = {}
        for tick in ticks(front, "sick"):
            assert tick["errors"] <= tick["requests"]
            for route, (requests, errors) in tick["routes"].items():
                have = routes.setdefault(route, [0, 0])
                have[0] += requests
                have[1] += errors
        assert routes == {"/pay/{id}": [3, 2], "other": [1, 0]}
        assert (front.numbers("sick")["s5xx"], front.numbers("sick")["s4xx"]) == (2, 1)


@pytest.mark.parametrize("damage", [b"", b'{"version": 1, "routes": {"epoch": 3, "backends": 7}}'])
async def test_damaged_routes_mean_no_release_and_a_loud_word(front, damage):
    front.start().route(epoch=3, a=(f"http://127.0.0.1:{closed_port()}", 1))
    assert await asyncio.to_thread(front.stop) == 0
    front.state.write_bytes(damage)
    front.start()
    state = front.call("GET", "/state")[1]
    assert (state["backends"], state["epoch"]) == ({}, 3)
    assert "front.json.damaged-1" in state["state_error"]
    assert "damaged" in front.log.read_text()
    assert front.state.with_name("front.json.damaged-1").read_bytes() == damage
    assert await ask(front) == [503]
    assert front.call("PUT", "/routes", {"epoch": 2, "backends": {}})[0] == 409
    assert front.call("PUT", "/routes", {"epoch": 3, "backends": {}})[0] == 200


async def test_damaged_counters_and_history_cost_only_themselves(front):
    front.start().route(epoch=3, a=(f"http://127.0.0.1:{closed_port()}", 1))
    await ask(front, 2)
    assert await asyncio.to_thread(front.stop) == 0
    (front.state.with_name("front.json.counters")).write_text("[]")
    with front.state.with_name("front.json.history").open("ab") as file:
        file.write(b'{"f": 1, "at"')
    front.start()
    state = front.call("GET", "/state")[1]
    assert state["epoch"] == 3
    assert "a" in state["backends"]
    assert "counters begin at zero" in state["state_error"]
    assert sum(t["requests"] for t in ticks(front, "a")) == 2
    assert await asyncio.to_thread(front.stop) == 0
    front.start()
    assert sum(t["requests"] for t in ticks(front, "a")) == 2
    assert "1 of" in front.log.read_text()


def put(front: FrontRig, epoch: int, **weights: int) -> tuple[int, dict]:
    backends = {name: {"url": "http://127.0.0.1:9", "weight": weight} for name, weight in weights.items()}
    return front.call("PUT", "/routes", {"epoch": epoch, "backends": backends})


def test_an_old_owner_is_fenced_off(front):
    front.start()
    assert put(front, 5, a=10)[0] == 200
    assert put(front, 5, a=10)[0] == 200
    assert put(front, 5, a=50)[0] == 200
    status, answer = put(front, 4, b=1)
    assert (status, answer["error"], answer["epoch"], answer["given"]) == (409, "stale_epoch", 5, 4)
    assert list(front.call("GET", "/state")[1]["backends"]) == ["a"]
    assert json.loads(front.state.read_text())["routes"]["epoch"] == 5
    front.stop(number=signal.SIGKILL)
    front.start()
    assert put(front, 4, b=1)[0] == 409
    assert put(front, 6, b=1)[0] == 200


def test_routes_that_cannot_be_written_do_not_take_effect(front):
    front.start()
    assert put(front, 1, a=1)[0] == 200
    blocked = front.state.with_name("front.json.new")
    blocked.mkdir()
    status, answer = put(front, 2, b=1)
    assert (status, answer["error"]) == (500, "state_not_written")
    state = front.call("GET", "/state")[1]
    assert (state["epoch"], list(state["backends"])) == (1, ["a"])
    blocked.rmdir()
    assert put(front, 2, b=1)[0] == 200
