"""Know who is parked where in this process, and who may go on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from keelway.engine.fault import EngineStopped


class Permit(Protocol):
    """Say whether this process may act; a crew says so."""

    def check(self) -> None:
        """Raise ``EngineStopped`` when it may not, as far as this process knows."""
        ...

    def fence(self) -> None:
        """Raise ``EngineStopped`` when it may not, as far as anybody knows."""
        ...


class Board:
    """Note the runs of one life of the engine, so that cancel, close and a lost lease reach them at once."""

    def __init__(self, permit: Permit | None = None) -> None:
        self._permit = permit
        self._lock = threading.Lock()
        self._topics: dict[str, str] = {}
        self._bells: dict[str, threading.Event] = {}
        self._endings: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._looked_at = float("-inf")
        self.closing = False
        self.way = threading.Event()
        """Set once the ways back that were left unfinished have ended, or had their time."""
        self.first: frozenset[str] = frozenset()
        """Stories that the others give way to until then."""

    def check(self) -> None:
        """Raise ``EngineStopped`` once the engine closes or the lease is over."""
        if self.closing:
            raise EngineStopped
        if self._permit is not None:
            self._permit.check()

    def fence(self) -> None:
        """Raise ``EngineStopped`` unless this process may act outside."""
        self.check()
        if self._permit is not None:
            self._permit.fence()

    @contextmanager
    def parked(self, run: str, topic: str) -> Iterator[None]:
        """Note that a story waits on a topic."""
        with self._lock:
            self._topics[run] = topic
        try:
            yield
        finally:
            with self._lock:
                self._topics.pop(run, None)

    @contextmanager
    def at_work(self, run: str) -> Iterator[threading.Event]:
        """Note that a stage runs and lend it the bell that ends its sleep."""
        bell = threading.Event()
        with self._lock:
            self._bells[run] = bell
        try:
            yield bell
        finally:
            with self._lock:
                self._bells.pop(run, None)
            self.tell_endings((run,))

    @contextmanager
    def awaited(self, run: str) -> Iterator[asyncio.Event]:
        """Lend the event that is set when a stage leaves this process; asked inside the loop that waits."""
        ending = asyncio.Event()
        with self._lock:
            self._endings[run] = asyncio.get_running_loop(), ending
        try:
            yield ending
        finally:
            with self._lock:
                self._endings.pop(run, None)

    def look(self, seconds: float) -> list[str]:
        """Return all stages that are awaited here, to the first who asks so many seconds after the look before."""
        with self._lock:
            if time.monotonic() < self._looked_at + seconds:
                return []
            self._looked_at = time.monotonic()
            return list(self._endings)

    def topic_of(self, run: str) -> str | None:
        """Return the topic on which a story waits now."""
        with self._lock:
            return self._topics.get(run)

    def everybody(self) -> list[str]:
        """Return the runs that wait or work here."""
        with self._lock:
            return [*self._topics, *self._bells]

    def stages(self) -> int:
        """Count the stages that run in this process."""
        with self._lock:
            return len(self._bells)

    def ring(self, run: str | None = None) -> None:
        """End the sleep of the stages below a run, or of all."""
        with self._lock:
            for stage, bell in self._bells.items():
                if run is None or stage == run or stage.startswith(f"{run}/"):
                    bell.set()

    def tell_endings(self, runs: Iterable[str]) -> None:
        """Say to who awaits them that stages have ended."""
        with self._lock:
            awaited = [self._endings[run] for run in runs if run in self._endings]
        for loop, ending in awaited:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ending.set)

    def end(self) -> None:
        """Let everybody leave at the next verb."""
        self.closing = True
        self.way.set()
        self.ring()
