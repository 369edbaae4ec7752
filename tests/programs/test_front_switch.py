"""Prove that traffic moves from release to release without one lost request, and that a drain ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import WSCloseCode, WSMsgType, web

sys.path.append(str(Path(__file__).parent))

from front_rig import FrontRig, auntil, closed_port, release, say


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[FrontRig]:
    rig = FrontRig(
        tmp_path_factory.mktemp("front"), "--tick-seconds", "0.2", "--request-timeout-seconds", "1"
    )
    try:
        yield rig.start()
    finally:
        rig.leave()


async def test_twenty_switches_under_load_lose_nothing(front):
    """A new release each time; the old one is drained and closed while clients keep coming, both ways of connecting."""
    over, seen, faults = asyncio.Event(), Counter(), []

    async def load(*, keep: bool) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=not keep)) as client:
            turn = 0
            while not over.is_set():
                turn += 1
                method, data = ("POST", b"x" * 2000) if turn % 3 == 0 else ("GET", None)
                try:
                    async with client.request(method, front.url, data=data) as answer:
                        text = await answer.text()
                        assert (answer.status, text) == (200, answer.headers["X-Keelway-Release"])
                        seen[text] += 1
                except (aiohttp.ClientError, AssertionError, TimeoutError) as fault:
                    faults.append(repr(fault))

    async with contextlib.AsyncExitStack() as old:
        front.route(r0=(await old.enter_async_context(release(say("r0"))), 100))
        clients = [asyncio.create_task(load(keep=n % 2 == 0)) for n in range(8)]
        await auntil(lambda: seen["r0"] > 5)
        for turn in range(1, 21):
            new = contextlib.AsyncExitStack()
            url = await new.enter_async_context(release(say(f"r{turn}")))
            front.route(**{f"r{turn}": (url, 100)})
            drained = await front.acall("POST", "/drain", {"release": f"r{turn - 1}", "deadline_seconds": 5})
            assert drained == (200, {"release": f"r{turn - 1}", "inflight": 0})
            await old.aclose()
            old = new  # noqa: PLW2901
            count = seen[f"r{turn}"]
            await auntil(lambda turn=turn, count=count: seen[f"r{turn}"] > count + 5)
        over.set()
        await asyncio.gather(*clients)
        await old.aclose()
    assert faults == []
    assert len(seen) == 21
    counted = front.call("GET", "/counters")[1]["releases"]
    assert {name: numbers["s2xx"] for name, numbers in counted.items()} == dict(seen)
    assert all(numbers["requests"] == numbers["s2xx"] for numbers in counted.values())


async def test_ninety_to_ten_is_exact(front):
    async with (
        release(say("stable")) as stable,
        release(say("canary")) as canary,
        aiohttp.ClientSession() as client,
    ):
        front.route(stable=(stable, 90), canary=(canary, 10))
        seen: Counter[str] = Counter()
        for _ in range(100):
            async with client.get(front.url) as answer:
                seen[await answer.text()] += 1
        assert seen == {"stable": 90, "canary": 10}
        front.route(stable=(stable, 0), canary=(canary, 100))
        async with client.get(front.url) as answer:
            assert await answer.text() == "canary"
        state = front.call("GET", "/state")[1]["backends"]
        assert state["stable"] == {"url": stable, "weight": 0, "inflight": 0, "draining": False}


async def test_a_failing_canary_answers_for_itself(front):
    """Its failures are not hidden behind a retry on the good release."""
    async with release(say("good")) as good, aiohttp.ClientSession() as client:
        front.route(good=(good, 50), broken=(f"http://127.0.0.1:{closed_port()}", 50))
        statuses = []
        for _ in range(10):
            async with client.get(front.url) as answer:
                statuses.append(answer.status)
        assert Counter(statuses) == {200: 5, 502: 5}
        assert front.numbers("broken")["upstream_errors"] == 5


async def test_what_is_in_flight_finishes_on_the_old_release(front):
    go = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await go.wait()
        return web.Response(text="old")

    async with release(slow) as old, release(say("new")) as new, aiohttp.ClientSession() as client:
        front.route(old=(old, 100))
        first = asyncio.create_task(client.get(front.url))
        await auntil(lambda: front.call("GET", "/state")[1]["backends"]["old"]["inflight"] == 1)
        assert (await front.acall("POST", "/drain", {"release": "old", "deadline_seconds": 1}))[0] == 409
        front.route(new=(new, 100))
        state = front.call("GET", "/state")[1]["backends"]
        assert state["old"] == {"url": old, "weight": 0, "inflight": 1, "draining": True}
        assert (await front.acall("POST", "/drain", {"release": "old", "deadline_seconds": 0.1}))[1][
            "inflight"
        ] == 1
        async with client.get(front.url) as answer:
            assert await answer.text() == "new"
        drain = asyncio.create_task(front.acall("POST", "/drain", {"release": "old", "deadline_seconds": 10}))
        await asyncio.sleep(0.05)
        assert not drain.done()
        go.set()
        async with await first as answer:
            assert await answer.text() == "old"
        assert (await drain)[1]["inflight"] == 0
        assert "old" not in front.call("GET", "/state")[1]["backends"]


async def parrot(request: web.Request) -> web.StreamResponse:
    if request.path == "/refuse":
        return web.Response(status=403, headers={"X-Why": "no"})
    ws = web.WebSocketResponse(protocols=("chat", "other"), autoping=False)
    ws.set_cookie("seen", "1")
    await ws.prepare(request)
    async for message in ws:
        if message.type is WSMsgType.PING:
            await ws.pong(message.data)
        elif message.data == "bye":
            await ws.close(code=4001, message=b"as you wish")
        elif message.data == "die":
            assert request.transport is not None
            request.transport.abort()
        elif message.type is WSMsgType.TEXT:
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)
    request.app["ended"].append(ws.close_code)
    return ws


@contextlib.asynccontextmanager
async def parrots(front: FrontRig):
    ended: list[int | None] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        request.app._state["ended"] = ended
        return await parrot(request)

    async with release(handler) as url, aiohttp.ClientSession() as client:
        front.route(parrot=(url, 100))
        yield client, ended


async def test_websockets_pass_frames_both_ways(front):
    async with parrots(front) as (client, ended):
        before = front.numbers("parrot").get("s1xx", 0)
        async with client.ws_connect(front.url + "/ws", protocols=("chat",), autoping=False) as ws:
            assert ws.protocol == "chat"
            assert ws._response.cookies["seen"].value == "1"
            assert ws._response.headers["X-Keelway-Release"] == "parrot"
            await ws.send_str("grüße")
            assert (await ws.receive()).data == "grüße"
            await ws.send_bytes(b"\x00\xff" * 50_000)
            assert (await ws.receive()).data == b"\x00\xff" * 50_000
            await ws.ping(b"p")
            assert (await ws.receive())[:2] == (WSMsgType.PONG, b"p")
            await asyncio.sleep(1.2)  # longer than the request timeout: a quiet websocket is no slow request
            await ws.send_str("still")
            assert (await ws.receive()).data == "still"
            assert front.call("GET", "/state")[1]["backends"]["parrot"]["inflight"] == 1
        await auntil(lambda: ended == [WSCloseCode.OK])
        assert front.numbers("parrot")["s1xx"] == before + 1
        assert front.numbers("parrot")["bytes_in"] >= 100_000


async def test_close_codes_and_refusals_pass_through(front):
    async with parrots(front) as (client, ended):
        async with client.ws_connect(front.url + "/ws") as ws:
            await ws.send_str("bye")
            message = await ws.receive()
            assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4001, "as you wish")
        async with client.ws_connect(front.url + "/ws") as ws:
            await ws.close(code=4002)
        await auntil(lambda: 4002 in ended)
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(front.url + "/refuse")
        assert caught.value.status == 403
        assert caught.value.headers["X-Why"] == "no"


async def test_a_lost_websocket_ends_with_an_error_code(front):
    async with parrots(front) as (client, _), client.ws_connect(front.url + "/ws") as ws:
        before = front.numbers("parrot").get("websockets_lost", 0)
        await ws.send_str("die")
        assert (await ws.receive()).data == WSCloseCode.INTERNAL_ERROR
        await auntil(lambda: front.numbers("parrot")["websockets_lost"] == before + 1)


async def test_a_client_that_vanishes_frees_its_websocket(front):
    async with parrots(front) as (client, ended):
        ws = await client.ws_connect(front.url + "/ws")
        ws._response.connection.transport.abort()
        await auntil(lambda: front.call("GET", "/state")[1]["backends"]["parrot"]["inflight"] == 0)
        await auntil(lambda: len(ended) == 1)
        assert front.numbers("parrot")["upstream_errors"] == 0


async def test_a_drain_closes_websockets_with_1001_at_its_deadline(front):
    async with parrots(front) as (client, ended), client.ws_connect(front.url + "/ws", autoclose=False) as ws:
        front.route()
        drain = asyncio.create_task(
            front.acall("POST", "/drain", {"release": "parrot", "deadline_seconds": 0.5})
        )
        await ws.send_str("meanwhile")
        assert (await ws.receive()).data == "meanwhile"
        message = await ws.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)
        await ws.close()
        assert (await drain)[1] == {"release": "parrot", "inflight": 0}
        await auntil(lambda: ended == [WSCloseCode.GOING_AWAY])


async def test_a_websocket_to_a_dead_release_is_502(front):
    front.route(gone=(f"http://127.0.0.1:{closed_port()}", 1))
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(front.url + "/ws")
    assert caught.value.status == 502
    assert front.numbers("gone")["upstream_errors"] == 1
