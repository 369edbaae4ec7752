"""Say what a keeper keeps, and what it tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


async def until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is true; tell whether it came."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
