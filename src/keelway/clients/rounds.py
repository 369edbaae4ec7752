"""Do something again and again in a thread beside the main work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable


class Rounds:
    """Do a round every few seconds in a thread of its own; one that fails is logged, and the next is tried."""

    def __init__(
        self,
        work: Callable[[], object],
        pause_seconds: float,
        log: logging.Logger,
        *,
        name: str,
        failed: str,
        at_once: bool = False,
    ) -> None:
        """Make the thread.

        Args:
            work: does one round.
            pause_seconds: how long to wait before each round.
            log: where a failed round is told.
            name: what the thread is called, after ``keelway-``.
            failed: what the log says of a round that ended with an error nobody foresaw.
            at_once: do the first round without a wait.
        """
        self._work, self._pause_seconds, self._at_once = work, pause_seconds, at_once
        self._log, self._failure = log, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"keelway-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """End after the present piece of work."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        pause_seconds = 0.0 if self._at_once else self._pause_seconds
        while not self._stop.wait(pause_seconds):
            pause_seconds = self._pause_seconds
            try:
                self._work()
            except Exception:  # noqa: BLE001 - a thread that died would be silence taken for health
                self._log.exception(self._failure)
