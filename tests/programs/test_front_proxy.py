"""Prove how requests and answers pass through a real front: whole, streamed, limited, and honest about failure."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

sys.path.append(str(Path(__file__).parent))

from front_rig import FrontRig, auntil, closed_port, head, raw_release, release, say, speak

OPTIONS = ("--tick-seconds", "0.2", "--request-timeout-seconds", "1", "--connect-timeout-seconds", "1")
LIMITS = ("--body-bytes-max", "300000000", "--header-bytes-max", "16000")


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[FrontRig]:
    rig = FrontRig(tmp_path_factory.mktemp("front"), *OPTIONS, *LIMITS)
    try:
        yield rig.start()
    finally:
        rig.leave()


async def test_request_and_answer_arrive_as_sent(front):
    async def echo(request: web.Request) -> web.Response:
        seen = {
            "method": request.method,
            "path": request.raw_path,
            "headers": [list(p) for p in request.headers.items()],
        }
        answer = web.json_response({**seen, "body": (await request.text())}, status=207)
        answer.headers.extend([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return answer

    async with release(echo) as url, aiohttp.ClientSession() as client:
        front.route(echo=(url, 1))
        target = front.url + "/a%2Fb/%C3%A9?q=1&q=%20"
        sent = {
            "Host": "shop.example:8443",
            "X-Forwarded-For": "6.6.6.6",
            "Cookie": "s=1",
            "Accept-Encoding": "br",
        }
        async with client.patch(aiohttp.client.URL(target, encoded=True), data="né", headers=sent) as answer:
            seen = await answer.json()
            assert answer.status == 207
            assert answer.headers["X-Keelway-Release"] == "echo"
            assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        headers = {name.lower(): value for name, value in seen["headers"]}
        assert seen["path"] == "/a%2Fb/%C3%A9?q=1&q=%20"
        assert (seen["method"], seen["body"]) == ("PATCH", "né")
        assert headers["host"] == headers["x-forwarded-host"] == "shop.example:8443"
        assert headers["x-forwarded-for"] == "127.0.0.1"
        assert (headers["cookie"], headers["accept-encoding"]) == ("s=1", "br")
        assert "connection" not in headers


async def test_nothing_is_added_to_a_bare_request_or_answer(front):
    seen: list[bytes] = []

    async def bare(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head(reader))
        writer.write(b"HTTP/1.1 200 Fine By Me\r\nContent-Length: 2\r\nX-Odd: caf\xe9\r\n\r\nok")
        await writer.drain()

    async with raw_release(bare) as url:
        front.route(bare=(url, 1))
        answer = await speak(front.port, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    names = sorted(line.split(b":")[0].lower() for line in seen[0].split(b"\r\n")[1:] if line)
    assert names == [b"host", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"]
    assert answer.startswith(b"HTTP/1.1 200 Fine By Me\r\n")
    assert b"content-type" not in answer.lower()
    assert b"\r\nserver:" not in answer.lower()
    assert "X-Odd: café".encode() in answer


async def test_compressed_bodies_stay_compressed(front):
    packed = gzip.compress(b"x" * 1000)

    async def zipped(request: web.Request) -> web.Response:
        assert await request.content.read() == b"x" * 1000
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with release(zipped) as url, aiohttp.ClientSession(auto_decompress=False) as client:
        front.route(zipped=(url, 1))
        async with client.post(front.url, data=packed, headers={"Content-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert await answer.read() == packed


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_have_none(front, status):
    async def empty(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"ETag": '"1"'})

    async with release(empty) as url, aiohttp.ClientSession() as client:
        front.route(empty=(url, 1))
        async with client.get(front.url) as answer:
            assert (answer.status, await answer.read(), answer.headers["ETag"]) == (status, b"", '"1"')


async def test_head_keeps_the_length_of_get(front):
    async with release(say("hello")) as url, aiohttp.ClientSession() as client:
        front.route(hello=(url, 1))
        async with client.head(front.url) as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, "5")
            assert await answer.read() == b""


async def test_100_mb_stream_both_ways_in_flat_memory(front):
    piece, pieces = b"k" * 65536, 1600

    async def mirror(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        async for part in request.content.iter_any():
            await answer.write(part)
        return answer

    async def body():
        for _ in range(pieces):
            yield piece

    async with release(mirror) as url, aiohttp.ClientSession() as client:
        front.route(mirror=(url, 1))
        async with client.post(front.url, data=b"warm") as answer:
            await answer.read()
        before, size, most, digest = front.rss_kib(), 0, 0, hashlib.sha256()
        async with client.post(front.url, data=body()) as answer:
            async for part in answer.content.iter_any():
                size += len(part)
                digest.update(part)
                most = max(most, front.rss_kib()) if size % 5 == 0 else most
        assert size == len(piece) * pieces
        assert digest.digest() == hashlib.sha256(piece * pieces).digest()
        assert max(most, front.rss_kib()) - before < 24 * 1024


async def test_a_slow_reader_holds_the_release_back(front):
    given = 0

    async def fountain(request: web.Request) -> web.StreamResponse:
        nonlocal given
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(1600):
            await answer.write(b"k" * 65536)
            given += 65536
        return answer

    async with release(fountain) as url:
        front.route(fountain=(url, 1))
        before = front.rss_kib()
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port, limit=65536)
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await head(reader)
        await asyncio.sleep(0.5)
        stuck = given
        await asyncio.sleep(1.2)
        assert given == stuck < 90 * 1024 * 1024
        assert front.rss_kib() - before < 24 * 1024
        writer.transport.abort()
        await auntil(lambda: front.call("GET", "/state")[1]["backends"]["fountain"]["inflight"] == 0)
        assert front.numbers("fountain")["client_gone"] == 1
        assert front.numbers("fountain")["upstream_errors"] == front.numbers("fountain")["timeouts"] == 0


async def test_pieces_arrive_while_the_answer_is_still_being_made(front):
    go = asyncio.Event()

    async def events(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: 1\n\n")
        await go.wait()
        await answer.write(b"data: 2\n\n")
        return answer

    async with release(events) as url, aiohttp.ClientSession() as client:
        front.route(events=(url, 1))
        async with client.get(front.url) as answer:
            assert await answer.content.readany() == b"data: 1\n\n"
            go.set()
            assert await answer.content.read() == b"data: 2\n\n"


async def test_a_client_that_waits_for_100_continue_is_told(front):
    async def length(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async with release(length) as url:
        front.route(length=(url, 1))
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert (await head(reader)).startswith(b"HTTP/1.1 100 ")
        writer.write(b"four")
        assert (await head(reader)).startswith(b"HTTP/1.1 200 ")
        assert await reader.read(1) == b"4"
        writer.close()


async def test_a_client_that_leaves_stops_the_release_and_is_no_error(front):
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        assert await reader.read() == b""
        gone.set()

    async with raw_release(wait) as url:
        front.route(patient=(url, 1))
        with contextlib.suppress(TimeoutError):
            await speak(front.port, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", seconds=0.3)
        await asyncio.wait_for(gone.wait(), 5)
        await auntil(lambda: front.numbers("patient").get("client_gone") == 1)
        numbers = front.numbers("patient")
        assert numbers["requests"] == numbers["upstream_errors"] == numbers["timeouts"] == 0


async def test_no_release_is_503_and_counted(front):
    front.route()
    before = front.call("GET", "/counters")[1]["front"]["no_backend"]
    async with aiohttp.ClientSession() as client, client.get(front.url) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Connection" not in answer.headers
    assert front.call("GET", "/counters")[1]["front"]["no_backend"] == before + 1


async def test_a_dead_release_is_502_and_a_silent_one_504(front):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_release(silent) as url, aiohttp.ClientSession() as client:
        front.route(dead=(f"http://127.0.0.1:{closed_port()}", 1))
        async with client.get(front.url) as answer:
            assert answer.status == 502
        front.route(silent=(url, 1))
        async with client.post(front.url, data=b"x") as answer:
            assert answer.status == 504
    dead, quiet = front.numbers("dead"), front.numbers("silent")
    assert (dead["requests"], dead["upstream_errors"], dead["s5xx"]) == (1, 1, 0)
    assert (quiet["requests"], quiet["timeouts"], quiet["s5xx"]) == (1, 1, 0)
    assert sum(quiet["latency"]["counts"]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
async def test_an_answer_that_is_none_is_502(front, answer):
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(answer)
        await writer.drain()

    async with raw_release(babble) as url, aiohttp.ClientSession() as client:
        front.route(babble=(url, 1))
        before = front.numbers("babble").get("upstream_errors", 0)
        async with client.post(front.url) as got:
            assert got.status == 502
        assert front.numbers("babble")["upstream_errors"] == before + 1


@pytest.mark.parametrize("framing", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
async def test_a_release_that_dies_mid_answer_cuts_the_client(front, framing):
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n6\r\nabcdef\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()

    async with raw_release(die) as url, aiohttp.ClientSession() as client:
        front.route(dying=(url, 1))
        before = front.numbers("dying").get("upstream_errors", 0)
        async with client.get(front.url) as got:
            assert got.status == 200
            with pytest.raises(aiohttp.ClientError):
                await got.read()
        await auntil(lambda: front.numbers("dying")["upstream_errors"] == before + 1)
        assert front.numbers("dying")["s2xx"] == 0
