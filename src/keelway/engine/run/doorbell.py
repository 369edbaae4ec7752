"""Say at once in this process that a queue has work or room, so that its table need not be asked all the time.

DBOS asks the table of every queue several times a second, two milliseconds of processor time
each. Whoever puts a run on a queue here, or makes room there, rings; what other processes put
there is found at the next regular look. This takes the place of the event that DBOS's own
threads wait on, a private part: should it change, they look regularly all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

PAUSES = (0.05, 0.15, 0.3)
"""Seconds between looks after a ring: it may have come just before the row or the room was there. The first is
also the least time between two looks: what was just taken needs a moment to be counted."""


SLOT_LOOK_SECONDS = 0.2
"""A run that waits for room looks this often whether it still may."""


class QueueBell:
    """Stand in for the event by which the thread of one queue is stopped; a ring only ends its wait."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._rung = threading.Event()
        self._pauses: tuple[float, ...] = ()
        self._looked = float("-inf")

    def ring(self) -> None:
        """Make the thread look now, and soon again a few times."""
        self._rung.set()

    def is_set(self) -> bool:
        """Say whether the thread is to end."""
        return self._stop.is_set()

    def wait(self, timeout: float) -> bool:
        """Wait for a ring, for so many seconds at the most; return whether the thread is to end."""
        if self._pauses:
            timeout, self._pauses = min(timeout, self._pauses[0]), self._pauses[1:]
        if self._rung.wait(timeout):
            self._stop.wait(self._looked + PAUSES[0] - time.monotonic())
            self._rung.clear()
            self._pauses = PAUSES
        self._looked = time.monotonic()
        return self._stop.is_set()


class Doorbells:
    """Hold the bells of the queues that this process serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[str, list[QueueBell]] = {}
        self._undo: tuple[Any, Any] | None = None

    def hang(self) -> None:
        """Give every thread that serves a queue from now on a bell of its own."""
        from dbos import _queue

        serve = getattr(_queue, "queue_worker_thread", None)
        if serve is None:
            return

        def with_bell(stop: threading.Event, dbos: Any, queue: Any) -> None:
            bell = QueueBell(stop)
            with self._lock:
                self._bells.setdefault(queue.name, []).append(bell)
            serve(bell, dbos, queue)

        self._undo = (_queue, serve)
        _queue.queue_worker_thread = with_bell  # type: ignore[assignment]

    def ring(self, queue: str | None = None) -> None:
        """Make the thread of a queue look now, or all of them; nothing happens where nobody serves it here."""
        with self._lock:
            bells = [bell for name, hung in self._bells.items() if queue in (None, name) for bell in hung]
        for bell in bells:
            bell.ring()

    def take_down(self) -> None:
        """Give DBOS its own function back."""
        if self._undo is not None:
            module, serve = self._undo
            module.queue_worker_thread = serve
            self._undo = None


class Slots:
    """Hold the limit of each queue in this process, also when its thread took more than there is room for.

    DBOS counts a run as taken once its thread has begun; a look right before that takes another one.
    """

    def __init__(self, limits: Mapping[str, int | None]) -> None:
        self._slots = {
            queue: threading.BoundedSemaphore(limit) for queue, limit in limits.items() if limit is not None
        }

    @contextmanager
    def taken(self, queue: str, check: Callable[[], None]) -> Iterator[None]:
        """Wait for room and hold it; ``check`` is called meanwhile and may raise."""
        slot = self._slots.get(queue)
        if slot is None:
            yield
            return
        while not slot.acquire(timeout=SLOT_LOOK_SECONDS):
            check()
        try:
            yield
        finally:
            slot.release()
