"""Prove that a front comes back as it was, whatever ended it, and never lets an old owner speak for a new one."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

sys.path.append(str(Path(__file__).parent))

from front_rig import FrontRig, auntil, release, say


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


async def test_sigterm_finishes_what_is_in_flight_and_everything_comes_back(front):
    go = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await go.wait()
        return web.Response(text="late")

    async with release(slow) as url, aiohttp.ClientSession() as client, aiohttp.ClientSession() as idle:
        front.start().route(epoch=5, late=(url, 100))
        go.set()
        async with idle.get(front.url) as answer:
            assert await answer.text() == "late"
        go.clear()
        last = asyncio.create_task(client.get(front.url))
        await auntil(lambda: front.call("GET", "/state")[1]["backends"]["late"]["inflight"] == 1)
        assert front.process is not None
        front.process.send_signal(signal.SIGTERM)
        await auntil(lambda: "stopping" in front.log.read_text())
        with pytest.raises(aiohttp.ClientError):
            await idle.get(front.url)
        assert front.call("PUT", "/routes", {"epoch": 6, "backends": {}})[0] == 503
        go.set()
        async with await last as answer:
            assert (await answer.text(), answer.headers["Connection"]) == ("late", "close")
        assert await asyncio.to_thread(front.stop) == 0
        assert not front.control.exists()
        front.start()
        state = front.call("GET", "/state")[1]
        assert (state["epoch"], state["restarts"], state["state_error"]) == (5, 1, None)
        assert state["backends"] == {"late": {"url": url, "weight": 100, "inflight": 0, "draining": False}}
        assert front.numbers("late")["s2xx"] == 2
        assert await ask(front) == [200]
        assert sum(tick["requests"] for tick in ticks(front, "late")) >= 2


async def test_shutdown_cuts_at_its_deadline_and_exits_0(front):
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with release(never) as url, aiohttp.ClientSession() as client:
        front.start().route(never=(url, 100))
        hanging = asyncio.create_task(client.get(front.url))
        await auntil(lambda: front.call("GET", "/state")[1]["backends"]["never"]["inflight"] == 1)
        status, answer = front.call("POST", "/shutdown", {"deadline_seconds": 0.2})
        assert (status, answer) == (200, {"stopping": True, "inflight": 1})
        assert front.process is not None
        assert await asyncio.to_thread(front.process.wait, 10) == 0
        with pytest.raises(aiohttp.ClientError):
            await hanging


async def test_websockets_do_not_hold_up_a_stop(front):
    async def hold(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.receive()
        return ws

    async with release(hold) as url, aiohttp.ClientSession() as client:
        front.start().route(hold=(url, 100))
        async with client.ws_connect(front.url) as ws:
            stopping = asyncio.create_task(asyncio.to_thread(front.stop))
            assert (await ws.receive()).data == 1001
            assert await stopping == 0


async def test_kill_9_loses_one_tick_at_most_and_says_what_is_missing(front):
    async with release(say("ok")) as url:
        front.start().route(epoch=9, ok=(url, 100))
        assert await ask(front, 10) == [200] * 10
        await auntil(lambda: sum(t["requests"] for t in ticks(front, "ok")) == 10)
        await asyncio.sleep(0.5)
        assert front.process is not None
        died = time.time()
        await asyncio.to_thread(front.stop, number=signal.SIGKILL)
        await asyncio.sleep(0.5)
        front.start()
        started = front.call("GET", "/state")[1]["started_at"]
        assert front.numbers("ok")["requests"] == 10
        assert await ask(front) == [200]
        await auntil(lambda: sum(t["requests"] for t in ticks(front, "ok")) == 11)
        history = front.call("GET", f"/history?since={died - 0.3}")[1]
        assert len(history["missing"]) == 1
        (lost, back), = history["missing"]  # fmt: skip
        assert died - 0.45 <= lost <= died
        assert back == pytest.approx(started, abs=0.002)
        before = front.call("GET", "/history?since=0")[1]
        assert before["missing"][0][0] == 0
        assert len(before["missing"]) == 2
        assert all(0 < t["seconds"] <= 0.4 for t in before["ticks"])


def test_two_fronts_never_share_a_state(front, tmp_path):
    front.start()
    started = time.monotonic()
    command = [sys.executable, "-m", "keelway.programs.front", "--listen", "127.0.0.1:0"]
    command += ["--control", str(front.short / "d"), "--state", str(front.state)]
    second = subprocess.Popen(command, stderr=subprocess.PIPE)
    time.sleep(1.0)
    assert second.poll() is None, "it waits for a predecessor that is leaving"
    assert front.stop() == 0
    try:
        while time.monotonic() - started < 10 and not (front.short / "d").exists():
            time.sleep(0.02)
        assert (front.short / "d").exists()
    finally:
        second.kill()
        second.communicate()
