"""Say what a keeper keeps, and what it tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.programs.balancer.engine import Picture
from keelway.programs.front.table import Routes

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """Say what a keeper keeps and where."""

    host: str
    port: int
    control: Path
    state: Path
    tick_seconds: float = 1.0
    history_seconds: float = 90_000.0
    drain_seconds: float = 30.0


def told(routes: Routes, picture: Picture) -> dict[str, Any]:
    """Return epoch and releases as the front tells them; one without a share is told while it has work."""
    inflight = picture.inflight
    backends: dict[str, Any] = {
        one.release: {"url": one.url, "weight": one.weight, "inflight": inflight.get(one.release, 0)}
        for one in routes.backends
    }
    for release, count in inflight.items():
        if count and release not in backends:
            backends[release] = {"url": "", "weight": 0, "inflight": count}
    for entry in backends.values():
        entry["draining"] = entry["weight"] == 0 and entry["inflight"] != 0
    return {"epoch": routes.epoch, "backends": backends}


async def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is true; tell whether it came."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
