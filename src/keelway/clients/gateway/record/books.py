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
        left = _TRIES_MAX
        while left:
            try:
                self._book(entry)
            except Exception:  # noqa: BLE001 - whatever it is, the cost must not be lost
                left -= 1
                _LOG.exception("Request %s of %s was not booked, %d tries left", entry.id, entry.task, left)
                if left and self._leaving.wait(_PAUSE_SECONDS * (_TRIES_MAX - left)):
                    left = 1
            else:
                self._booked(entry)
                return
