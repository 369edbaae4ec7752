"""Send Harbor steady, mixed traffic and count what failed; needs aiohttp and nothing else.

The schedule is open-loop: request number n leaves at n / rate seconds whether or not earlier ones were answered, so a slow
server meets the same load as a quick one. A request without an HTTP answer, or with a status of 500 or more, has failed.
Nothing is sent twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import time
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import aiohttp

IN_FLIGHT_MAX = 200
REQUEST_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 35.0
OUT_BYTES_MAX = 256 * 1024 * 1024
BOUNDS_MS = [0.1 * 1.05**step for step in range(280)]
RELEASE_HEADER = "X-Keelway-Release"

# One hundred requests in the shares of a usual day: method, route, how many.
MIX = [
    ("GET", "/ships", 18),
    ("GET", "/ships/{ship_id}", 12),
    ("GET", "/berths", 15),
    ("GET", "/arrivals", 14),
    ("POST", "/arrivals", 12),
    ("POST", "/channel/{name}", 12),
    ("GET", "/channel/{name}/ping", 6),
    ("GET", "/login", 3),
    ("POST", "/login", 2),
    ("POST", "/jobs", 3),
    ("GET", "/jobs/{job_id}", 3),
]
FLEET = [("Avocet", 18), ("Brant", 55), ("Curlew", 85), ("Dotterel", 150), ("Egret", 240)]
WORDS = ["ping", "berths", "arrivals", "when is high water?"]


@dataclass
class Tally:
    """Count requests in memory that does not grow, and write one line for each."""

    out: TextIO
    requests: int = 0
    failed: int = 0
    not_sent: int = 0
    lines_dropped: int = 0
    bytes_written: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    slower_than: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))

    def add(self, line: dict[str, Any]) -> None:
        """Count one finished request; beyond the size limit of the file it is counted without a line."""
        self.requests += 1
        self.failed += line.get("status", 599) >= 500
        self.by_status[str(line.get("status", line.get("error")))] += 1
        self.slower_than[bisect_left(BOUNDS_MS, line["ms"])] += 1
        text = json.dumps(line) + "\n"
        if self.bytes_written + len(text) > OUT_BYTES_MAX:
            self.lines_dropped += 1
            return
        self.bytes_written += len(text)
        self.out.write(text)

    def quantile_ms(self, share: float) -> float | None:
        """Return the time within which this share of the requests was answered, to 5 %."""
        seen = 0
        for bound, count in zip([*BOUNDS_MS, BOUNDS_MS[-1]], self.slower_than, strict=True):
            seen += count
            if count and seen >= share * self.requests:
                return round(bound, 2)
        return None

    def summary(self) -> dict[str, Any]:
        """Return the figures of the whole run."""
        return {
            "requests": self.requests,
            "failed": self.failed,
            "not_sent": self.not_sent,
            "by_status": dict(self.by_status),
            "p50_ms": self.quantile_ms(0.50),
            "p99_ms": self.quantile_ms(0.99),
            "lines_dropped": self.lines_dropped,
        }


class Traffic:
    """Send the mix over kept and over new connections, half and half."""

    def __init__(self, url: str, tally: Tally, seed: int) -> None:
        self._url = url.rstrip("/")
        self._tally = tally
        self._random = random.Random(seed)  # noqa: S311 - a reproducible mix, no secret
        self._deck: list[tuple[str, str]] = []
        self._job: int | None = None
        self._sessions: list[aiohttp.ClientSession] = []
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        """Send until the time is over or stop is set, then wait for the answers on their way."""
        self._sessions = [_session(keep=True), _session(keep=False)]
        began, sent = time.monotonic(), 0
        while not stop.is_set() and (seconds <= 0 or sent < rate * seconds):
            wait = began + sent / rate - time.monotonic()
            if wait > 0 and await _set_within(stop, wait):
                break
            self._start(self._sessions[sent % 2])
            sent += 1
            if wait <= 0:
                await asyncio.sleep(0)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS_MAX)
            for task in late:
                task.cancel()
        await asyncio.gather(*(session.close() for session in self._sessions))

    def _start(self, session: aiohttp.ClientSession) -> None:
        if len(self._running) >= IN_FLIGHT_MAX:
            self._tally.not_sent += 1
            return
        task = asyncio.create_task(self._request(session, *self._next()))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _next(self) -> tuple[str, str]:
        if not self._deck:
            self._deck = [(method, route) for method, route, share in MIX for _ in range(share)]
            self._random.shuffle(self._deck)
        return self._deck.pop()

    def _content(self, method: str, route: str) -> dict[str, Any]:
        """Return what a request of this kind carries."""
        ship, length_m = self._random.choice(FLEET)
        bodies: dict[str, dict[str, Any]] = {
            "POST /arrivals": {"json": {"ship": ship, "length_m": length_m, "stay_hours": 0.001}},
            "POST /channel/{name}": {"json": {"text": self._random.choice(WORDS)}},
            "POST /login": {"data": {"user": "demo", "password": "harbor"}},
            "POST /jobs": {"json": {"echo": f"tide {self._random.randrange(1000)}"}},
        }
        return bodies.get(f"{method} {route}", {})

    async def _request(self, session: aiohttp.ClientSession, method: str, route: str) -> None:
        if route == "/jobs/{job_id}" and self._job is None:
            method, route = "POST", "/jobs"
        path = route.format(ship_id=self._random.randint(1, 3), name="bridge", job_id=self._job)
        line: dict[str, Any] = {"at": round(time.time(), 3), "method": method, "route": route}
        began = time.monotonic()
        try:
            async with session.request(
                method, self._url + path, allow_redirects=False, **self._content(method, route)
            ) as answer:
                body = await answer.read()
            line["status"] = answer.status
            if release := answer.headers.get(RELEASE_HEADER):
                line["release"] = release
            if (method, route, answer.status) == ("POST", "/jobs", 202):
                with suppress(ValueError, KeyError, TypeError):
                    self._job = int(json.loads(body)["id"])
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            line["error"] = type(error).__name__
        line["ms"] = round((time.monotonic() - began) * 1000, 2)
        self._tally.add(line)


def _session(*, keep: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT_MAX, force_close=not keep)
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX)
    session = aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
    session._retry_connection = False  # aiohttp would hide a connection that the server dropped
    return session


async def _set_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _main(asked: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with asked.out.open("a", buffering=1) as out:
        tally = Tally(out)
        await Traffic(asked.url, tally, asked.seed).run(asked.rate, asked.seconds, stop)
    print(json.dumps(tally.summary()), flush=True)


def main() -> None:
    """Run until the time is over or a stop signal comes, then print a summary as JSON."""
    parser = argparse.ArgumentParser(description="Send Harbor steady traffic.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=0.0, help="0 means until SIGTERM")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines are appended here")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.rate <= 0:
        parser.error("--rate must be above 0")
    asyncio.run(_main(asked))


if __name__ == "__main__":
    main()
