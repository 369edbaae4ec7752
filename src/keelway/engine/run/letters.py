"""Wake waiting stories on SQLite by the message itself, so that the file need not be asked for each of them.

DBOS asks the file for every waiting story several times a second: half a processor for a thousand
of them. One process works on the file, so whoever sends knows who waits. Both functions use
private parts of DBOS; should these change, stories wake all the same, as DBOS alone would do it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

SELDOM_SECONDS = 30.0
"""The file is asked this often all the same."""

_CHANGED = (ImportError, AttributeError, TypeError, ValueError)


def notify(run: str, topic: str) -> None:
    """Wake a story of this process that waits for a message."""
    with suppress(*_CHANGED):
        store = _store()
        payload, _ = store._waiter(run, topic)  # noqa: SLF001
        waiting = store.notifications_map.get(payload)
        if waiting is not None:
            waiting.set()


def ask_seldom() -> None:
    """Let DBOS look for messages now and then only."""
    with suppress(*_CHANGED):
        waiters = _store().notifications_map
        everybody, asked = waiters.snapshot, time.monotonic()

        def now_and_then() -> Any:
            nonlocal asked
            if time.monotonic() - asked < SELDOM_SECONDS:
                return []
            asked = time.monotonic()
            return everybody()

        waiters.snapshot = now_and_then


def _store() -> Any:
    from dbos._dbos import _get_dbos_instance

    return _get_dbos_instance()._sys_db  # noqa: SLF001
