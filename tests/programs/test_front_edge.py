"""Prove the limits and refusals at the edge, byte by byte, and when a request may be sent twice."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

sys.path.append(str(Path(__file__).parent))

from front_rig import FrontRig, head, raw_release, say, speak
from front_rig import release as releasing

OPTIONS = (
    "--tick-seconds",
    "0.2",
    "--request-timeout-seconds",
    "1",
    "--body-bytes-max",
    "1000",
    "--header-bytes-max",
    "16000",
)


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[FrontRig]:
    rig = FrontRig(tmp_path_factory.mktemp("front"), *OPTIONS)
    try:
        yield rig.start()
    finally:
        rig.leave()


class Witness:
    """Be a release that keeps every byte it is sent and answers each head with 200."""

    def __init__(self) -> None:
        self.seen = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            self.seen += piece
            if self.seen.endswith((b"\r\n\r\n", b"end")):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


GET = b"GET / HTTP/1.1\r\nHost: h\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
ATTACKS = {
    "length and chunked": POST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "chunked and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 30\r\n\r\n" + SMUGGLED,
    "two equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "hex length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "coding after a tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "space before colon": POST + b"Content-Length : 3\r\n\r\nabc",
    "coding space colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "folded header": GET + b"X-A: 1\r\n folded\r\n\r\n",
    "folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "space before header": b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    "bare LF in head": b"GET / HTTP/1.1\nHost: h\n\n",
    "bare LF in header": GET + b"X-A: 1\nX-B: 2\r\n\r\n",
    "bare CR in header": GET + b"X-A: 1\rX-B: 2\r\n\r\n",
    "null in header": GET + b"X-A: 1\x002\r\n\r\n",
    "null in name": GET + b"X\x00A: 1\r\n\r\n",
    "no name": GET + b": 1\r\n\r\n",
    "no colon": GET + b"X-A\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "space in target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "control in target": b"GET /a\x01b HTTP/1.1\r\nHost: h\r\n\r\n",
    "bad version": b"GET / HTTP/1.9x\r\nHost: h\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 40,
    "bad chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
    "LF after chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    "chunk too long": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "bare CR in chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n",
    "connect": b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
    "trace": b"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "relative target": b"GET a HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_what_is_not_plain_http_is_refused(front, attack):
    witness = Witness()
    async with raw_release(witness) as url:
        front.route(witness=(url, 1))
        answer = await speak(front.port, attack)
    assert answer[9:12] in {b"400", b"405"}, (answer, witness.seen)
    assert answer.count(b"HTTP/1.") == 1
    assert b"smuggled" not in witness.seen
    assert b"abc" not in witness.seen or b"chunked" in attack


async def test_refusals_are_counted_and_never_reach_a_release(front):
    witness = Witness()
    async with raw_release(witness) as url:
        front.route(witness=(url, 1))
        before = front.call("GET", "/counters")[1]["front"]["rejected"]
        await speak(front.port, ATTACKS["length and chunked"])
        await speak(front.port, ATTACKS["connect"])
    assert front.call("GET", "/counters")[1]["front"]["rejected"] == before + 2
    assert witness.seen == b""


async def test_pipelined_requests_are_answered_in_order(front):
    async def path(request):
        return await say(request.path)(request)

    async with releasing(path) as url:
        front.route(path=(url, 1))
        sent = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(5))
        answer = await speak(front.port, sent + GET + b"Connection: close\r\n\r\n")
    places = [answer.index(b"\r\n\r\n/%d" % n) for n in range(5)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200 ") == 6


async def test_an_absolute_target_loses_its_host(front):
    async def where(request):
        return await say(f"{request.raw_path} {request.host}")(request)

    async with releasing(where) as url:
        front.route(where=(url, 1))
        answer = await speak(
            front.port, b"GET http://other.example/a%20b?q HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        )
    assert answer.endswith(b"/a%20b?q h")


async def test_http_1_0_gets_a_close_delimited_answer(front):
    async with releasing(say("old")) as url:
        front.route(old=(url, 1))
        answer = await speak(front.port, b"GET / HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200 ")
    assert answer.endswith(b"\r\n\r\nold")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (POST + b"Content-Length: 1001\r\n\r\n", b"413"),
        (POST + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", b"413"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", b"413"),
        (GET + b"X-Long: " + b"x" * 17_000 + b"\r\n\r\n", b"431"),
        (GET + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(20)) + b"\r\n", b"431"),
        (GET + b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n", b"431"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", b"414"),
        (POST + b"Content-Length: 10\r\n\r\nabc", b"408"),
    ],
    ids=[
        "length",
        "expect",
        "chunked",
        "long header",
        "all headers",
        "many headers",
        "long target",
        "slow body",
    ],
)
async def test_limits(front, sent, status):
    async with raw_release(Witness()) as url:
        front.route(witness=(url, 1))
        before = front.numbers("witness").get("upstream_errors", 0)
        answer = await speak(front.port, sent)
        assert answer[9:12] == status
        assert answer.count(b"HTTP/1.") == 1
        assert front.numbers("witness").get("upstream_errors", 0) == before


async def test_a_body_of_exactly_the_limit_passes(front):
    async def length(request):
        return await say(str(len(await request.read())))(request)

    async with releasing(length) as url, aiohttp.ClientSession() as client:
        front.route(length=(url, 1))
        async with client.post(front.url, data=b"x" * 1000) as answer:
            assert (answer.status, await answer.text()) == (200, "1000")


class Stale:
    """Be a release that drops a kept connection on its second request, unanswered."""

    def __init__(self) -> None:
        self.methods: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for turn in range(2):
            request = await head(reader)
            if b"chunked" in request or b"Content-Length: 4" in request:
                await reader.readuntil(b"end")
            self.methods.append(request.split()[0])
            if turn == 0:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.parametrize(
    ("method", "body", "status", "attempts"),
    [
        ("GET", None, 200, 2),
        ("DELETE", None, 200, 2),
        ("POST", b" end", 502, 1),
        ("PUT", b" end", 502, 1),
        ("POST", None, 502, 1),
    ],
)
async def test_only_harmless_requests_are_sent_twice(front, method, body, status, attempts):
    stale = Stale()
    async with raw_release(stale) as url, aiohttp.ClientSession() as client:
        front.route(stale=(url, 1))
        before = front.numbers("stale").get("retries", 0)
        async with client.get(front.url) as answer:
            assert answer.status == 200
        async with client.request(method, front.url, data=body) as answer:
            assert answer.status == status
        assert stale.methods == [b"GET", *[method.encode()] * attempts]
        assert front.numbers("stale")["retries"] == before + attempts - 1
