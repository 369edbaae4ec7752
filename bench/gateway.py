"""Measure what the model gateway costs: latency added, and tokens a second of a stream, direct and through it.

    python bench/gateway.py [--seconds 6] [--streams 5] [--events 2000] [--json]

A provider (aiohttp, plays chat completions as fast as it can) and a gateway, each a process of its own, and a client
in this process, all on loopback. Requests alternate between direct, the gateway's port and its Unix socket, so that
noise of the machine meets all alike. The book takes no time, and the allowance is known at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

PROVIDER = """
import json, sys
from aiohttp import web
EVENTS = int(sys.argv[1])
HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5-mini"}
USAGE = {"prompt_tokens": 1000, "completion_tokens": EVENTS, "total_tokens": 1000 + EVENTS}
def sse(payload):
    return b"data: " + json.dumps(payload).encode() + b"\\n\\n"
WORD = sse(HEAD | {"choices": [{"index": 0, "delta": {"content": "word"}, "finish_reason": None}]})
END = sse(HEAD | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
END += sse(HEAD | {"choices": [], "usage": USAGE}) + b"data: [DONE]\\n\\n"
WHOLE = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5-mini", "usage": USAGE}
WHOLE |= {"choices": [{"index": 0, "message": {"role": "assistant", "content": "word"}, "finish_reason": "stop"}]}
async def answer(request):
    body = await request.json()
    if not body.get("stream"):
        return web.json_response(WHOLE)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for _ in range(EVENTS):
        await response.write(WORD)
    await response.write(END)
    return response
app = web.Application(client_max_size=64 * 1024 * 1024)
app.router.add_post("/v1/chat/completions", answer)
async def main():
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site.port, flush=True)
    await __import__("asyncio").Event().wait()
__import__("asyncio").run(main())
"""
GATEWAY = """
import json, sys
from pathlib import Path
from keelway.clients.gateway.gateway import Gateway
from keelway.clients.gateway.values import Allowance, Grant, Provider
provider = Provider("bench", "openai", sys.argv[1], lambda: "sk-bench-key")
booked = []
gateway = Gateway([provider], Path(sys.argv[2]), book=booked.append, allowance=lambda _: Allowance())
opened = gateway.open(Grant("T-1", "dev", 1, "bench", "bench", cost_usd_max=1e9, log_path=sys.argv[2] + "/log"))
print(json.dumps({"token": opened.token, "url": opened.url, "socket": opened.socket}), flush=True)
sys.stdin.read()
metered = gateway.close(opened.token)
gateway.stop()
print(json.dumps({"requests": metered.requests, "booked": len(booked), "output": metered.output_tokens}), flush=True)
"""
PATH = "/openai/v1/chat/completions"
PROMPT = "x" * 20_000
START_SECONDS = 30.0


@contextmanager
def processes(events: int) -> Iterator[dict]:
    """Start a provider and a gateway; give the ways to both, and the gateway's count at the end."""
    with tempfile.TemporaryDirectory(prefix="kwb-") as folder:
        argv = [sys.executable, "-c"]
        provider = subprocess.Popen([*argv, PROVIDER, str(events)], stdout=subprocess.PIPE, text=True)
        url = f"http://127.0.0.1:{provider.stdout.readline().strip()}"
        gateway = subprocess.Popen(
            [*argv, GATEWAY, f"{url}/v1", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ways = json.loads(gateway.stdout.readline()) | {"direct": url}
        try:
            yield ways
            gateway.stdin.close()
            ways["counted"] = json.loads(gateway.stdout.readline())
        finally:
            for process in (gateway, provider):
                process.terminate()
                process.wait(START_SECONDS)


async def whole(session: aiohttp.ClientSession, url: str, headers: dict) -> float:
    """Ask for a small whole answer; give the milliseconds that it took."""
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": PROMPT}]}
    began = time.perf_counter()
    async with session.post(url, json=body, headers=headers) as answer:
        await answer.read()
        if answer.status != 200:
            raise SystemExit(f"not a 200: {answer.status}")
    return (time.perf_counter() - began) * 1000.0


async def stream(session: aiohttp.ClientSession, url: str, headers: dict, events: int) -> tuple[float, float]:
    """Read one stream; give its tokens a second and the milliseconds to its first byte."""
    body = {"model": "gpt-5-mini", "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
    began, first, words = time.perf_counter(), 0.0, 0
    async with session.post(url, json=body, headers=headers) as answer:
        async for data in answer.content.iter_any():
            first = first or time.perf_counter()
            words += data.count(b'"word"')
    # A word may lie across two pieces: a few of thousands.
    if words < events * 0.9:
        raise SystemExit(f"{words} of {events} words came")
    return events / (time.perf_counter() - began), (first - began) * 1000.0


async def measure(ways: dict, options: argparse.Namespace) -> dict[str, dict]:
    shown = {"Authorization": f"Bearer {ways['token']}"}
    gone = {"direct": (f"{ways['direct']}/v1/chat/completions", {}, None)}
    gone["port"] = (f"{ways['url']}{PATH}", shown, None)
    gone["socket"] = (f"http://gateway{PATH}", shown, ways["socket"])
    found: dict[str, dict[str, list]] = {name: {"ms": [], "rate": [], "first": []} for name in gone}
    async with contextlib.AsyncExitStack() as stack:
        taken = []
        for name, (url, headers, path) in gone.items():
            connector = aiohttp.UnixConnector(path) if path else aiohttp.TCPConnector()
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            taken.append((found[name], (session, url, headers)))
        for _kept, way in taken:
            await whole(*way)
        until = time.perf_counter() + options.seconds
        while time.perf_counter() < until:
            for kept, way in taken:
                kept["ms"].append(await whole(*way))
        for _ in range(options.streams):
            for kept, way in taken:
                rate, first = await stream(*way, options.events)
                kept["rate"].append(rate)
                kept["first"].append(first)
    return {name: summary(kept) for name, kept in found.items()}


def summary(kept: dict[str, list]) -> dict[str, float]:
    cuts = statistics.quantiles(kept["ms"], n=100, method="inclusive")
    return {
        "requests": len(kept["ms"]),
        "p50_ms": round(cuts[49], 2),
        "p99_ms": round(cuts[98], 2),
        "first_ms": round(statistics.median(kept["first"]), 2),
        "tokens_per_second": round(statistics.median(kept["rate"])),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6.0, help="of whole answers, all ways together")
    parser.add_argument("--streams", type=int, default=5, help="for each way")
    parser.add_argument("--events", type=int, default=2_000, help="of a stream, one token each")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (0 < options.seconds <= 120 and 0 < options.streams <= 20 and 0 < options.events <= 100_000):
        parser.error("at most 120 seconds, 20 streams and 100000 events")
    with processes(options.events) as ways:
        result = asyncio.run(measure(ways, options))
    counted = ways["counted"]
    if counted["requests"] != counted["booked"]:
        raise SystemExit(f"not everything was booked: {counted}")
    direct = result["direct"]
    for name in ("port", "socket"):
        result[name] |= {
            "added_p50_ms": round(result[name]["p50_ms"] - direct["p50_ms"], 2),
            "added_p99_ms": round(result[name]["p99_ms"] - direct["p99_ms"], 2),
            "tokens_ratio": round(result[name]["tokens_per_second"] / direct["tokens_per_second"], 3),
        }
    result["setting"] = {"cpus": os.cpu_count(), "python": sys.version.split()[0], "events": options.events}
    if options.json:
        print(json.dumps(result, indent=2))
        return 0
    print(
        f"{'gateway':8}{'p50 ms':>10}{'p99 ms':>10}{'first ms':>10}{'tokens/s':>10}{'added p50':>11}{'added p99':>11}"
    )
    for name in ("direct", "port", "socket"):
        row = result[name]
        more = f"{row['added_p50_ms']:>11}{row['added_p99_ms']:>11}" if name != "direct" else ""
        print(
            f"{name:8}{row['p50_ms']:>10}{row['p99_ms']:>10}{row['first_ms']:>10}{row['tokens_per_second']:>10}{more}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
