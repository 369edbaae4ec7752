"""Book what was used, off the loop: a slow book holds up no request, and one that fails is asked again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from keelway.clients.gateway.values import Entry

_LOG = logging.getLogger(__name__)
_TRIES_MAX = 5
_PAUSE_SECONDS = 0.2


class Books:
    """Hand entries to the book, one after the other."""

    def __init__(self, book: Callable[[Entry], None], booked: Callable[[Entry], None]) -> None:
        self._book, self._booked = book, booked
        self._worker = ThreadPoolExecutor(1, "gateway-book")
        self._leaving = threading.Event()

    def add(self, entry: Entry) -> Future[None]:
        """Book an entry as soon as those before it are booked."""
        return self._worker.submit(self._write, entry)

    def close(self) -> None:
        """Book what is waiting, trying each entry once more at most, and let go of the thread."""
        self._leaving.set()
        self._worker.shutdown()

    def _write(self, entry: Entry) -> None:
        for turn in range(1, _TRIES_MAX + 1):
            try:
                self._book(entry)
            except Exception:  # noqa: BLE001 - whatever it is, the cost must not be lost
                _LOG.exception("Request %s of %s was not booked, try %d", entry.id, entry.task, turn)
                if self._leaving.wait(_PAUSE_SECONDS * turn):
                    return
            else:
                self._booked(entry)
                return
