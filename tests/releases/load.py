"""Users of the pier: they ask at a steady rate, know what a right answer is, and remember what was promised to them."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TextIO

import aiohttp

SECONDS_MAX = 6.0
IN_FLIGHT_MAX = 300
NAME = "pier-user"
MIX = (
    ("GET", "/ships", 28, 200, "ships"),
    ("GET", "/ships/{ship}", 14, 200, "name"),
    ("POST", "/ships", 20, 201, "id"),
    ("GET", "/report", 16, 200, "metres"),
    ("POST", "/jobs", 10, 202, "id"),
    ("GET", "/jobs/{job}", 10, 200, "state"),
    ("GET", "/tides", 2, 200, "tides"),
)
"""Method, path, share of a hundred, the right status, and a word that the right answer holds."""


@dataclass(frozen=True)
class Sent:
    """State what became of one request."""

    began_at: float
    done_at: float
    """Epoch seconds."""
    route: str
    release: str
    wrong: str
    """Empty for a right answer."""

    @property
    def ms(self) -> float:
        return (self.done_at - self.began_at) * 1000


@dataclass
class Users:
    """Ask from a thread of their own until they are told to stop."""

    port: int
    seed: int = 7
    sent: list[Sent] = field(default_factory=list)
    booked: dict[int, str] = field(default_factory=dict)
    """Every ship that the pier said it had booked, by its id."""
    jobs: list[int] = field(default_factory=list)
    rate: float = 60.0
    out: TextIO | None = None
    """Gets a line of JSON for every answer."""
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> Users:
        """Begin to ask."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()), name="users", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop asking and wait for the answers on their way."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(SECONDS_MAX + 5)

    def between(self, since: float, until: float) -> Sequence[Sent]:
        """Return what was answered between two instants, in the order of the answers."""
        return sorted(
            (one for one in list(self.sent) if since < one.done_at <= until), key=lambda one: one.done_at
        )

    async def _ask(self) -> None:
        dice, deck, running = random.Random(self.seed), [], set()
        kept = aiohttp.ClientSession(headers={"User-Agent": NAME})
        fresh = aiohttp.ClientSession(
            headers={"User-Agent": NAME},
            connector=aiohttp.TCPConnector(force_close=True, limit=IN_FLIGHT_MAX),
        )
        async with kept, fresh:
            due = time.monotonic()
            for number in itertools.count():
                if self._over.is_set():
                    break
                if self.rate <= 0:
                    await asyncio.sleep(0.05)
                    due = time.monotonic()
                    continue
                due = max(due + 1 / self.rate, time.monotonic() - 1.0)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if len(running) >= IN_FLIGHT_MAX:
                    self.sent.append(Sent(time.time(), time.time(), "any", "", "too many wait for an answer"))
                    continue
                if not deck:
                    deck = [line for line in MIX for _ in range(line[2])]
                    dice.shuffle(deck)
                task = asyncio.create_task(self._one(kept if number % 2 else fresh, deck.pop(), dice))
                running.add(task)
                task.add_done_callback(running.discard)
            if running:
                await asyncio.wait(running, timeout=SECONDS_MAX)

    async def _one(
        self, session: aiohttp.ClientSession, line: tuple[str, str, int, int, str], dice: random.Random
    ) -> None:
        method, route, _, status, word = line
        known = list(self.booked)[-200:]
        ship = dice.choice(known) if known else 0
        if (route == "/ships/{ship}" and not known) or (route == "/jobs/{job}" and not self.jobs):
            route = "/report"
            status, word = 200, "metres"
        path = route.format(ship=ship, job=dice.choice(self.jobs[-50:]) if self.jobs else 0)
        name = f"ship {dice.getrandbits(48):x}"
        body = {"name": name, "length": dice.randrange(5, 300), "echo": name} if method == "POST" else None
        began, release, wrong, value = time.time(), "", "", {}
        try:
            async with asyncio.timeout(SECONDS_MAX):
                url = f"http://127.0.0.1:{self.port}{path}"
                async with session.request(method, url, json=body, allow_redirects=False) as answer:
                    release = answer.headers.get("X-Keelway-Release", "")
                    content = await answer.read()
                    wrong = _wrong(answer, content, status, word)
                    value = {} if wrong else await answer.json()
        except TimeoutError:
            wrong = "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            wrong = type(error).__name__
        if not wrong and route == "/ships" and method == "POST":
            self.booked[int(value["id"])] = name
        if not wrong and route == "/jobs":
            self.jobs.append(int(value["id"]))
        one = Sent(began, time.time(), f"{method} {route}", release, wrong)
        self.sent.append(one)
        if self.out is not None:
            booked = int(value["id"]) if not wrong and line[:2] == ("POST", "/ships") else 0
            self.out.write(json.dumps({**asdict(one), "booked": booked, "name": name}) + "\n")


def _wrong(answer: aiohttp.ClientResponse, content: bytes, status: int, word: str) -> str:
    if answer.status != status:
        return f"status {answer.status}"
    if answer.content_type != "application/json":
        return f"content {answer.content_type}"
    return "" if f'"{word}"'.encode() in content else "wrong content"
