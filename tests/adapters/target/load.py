"""Users who keep asking while releases change."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Load:
    """Count good answers by release, and keep what went wrong."""

    good: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def load(port: int, path: str = "/", users: int = 3) -> Iterator[Load]:
    """Ask from several threads, half of them over one connection, half over new ones."""
    done, found = threading.Event(), Load()
    threads = [
        threading.Thread(target=_ask, args=(port, path, found, done, number % 2 == 0))
        for number in range(users)
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        done.set()
        for thread in threads:
            thread.join(20)


def _ask(port: int, path: str, found: Load, done: threading.Event, keep: bool) -> None:
    wire = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not done.is_set():
        try:
            wire.request("GET", path)
            answer = wire.getresponse()
            text = answer.read().decode()
            if answer.status == 200:
                found.good[answer.headers.get("X-Keelway-Release") or text] += 1
            else:
                found.wrong.append(f"{answer.status} {text}")
        except (OSError, http.client.HTTPException) as error:
            found.wrong.append(repr(error))
            wire.close()
        if not keep:
            wire.close()
        done.wait(0.002)
    wire.close()
