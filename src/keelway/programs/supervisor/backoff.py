"""Decide whether an ended process is started again, and after how long."""

from __future__ import annotations

from collections.abc import Sequence

FIRST_DELAY_SECONDS = 0.2
DELAY_SECONDS_MAX = 10.0


def recent(starts_at: Sequence[float], now: float, window_seconds: float) -> tuple[float, ...]:
    """Keep the restarts that still count: those younger than the window."""
    return tuple(start for start in starts_at if now - start < window_seconds)


def next_delay_seconds(restarts_in_window: int, restarts_max: int) -> float | None:
    """Give the seconds to wait before the next start, or None when the process has used up its restarts."""
    if restarts_in_window >= restarts_max:
        return None
    doublings = min(restarts_in_window, 16)
    return min(FIRST_DELAY_SECONDS * 2.0**doublings, DELAY_SECONDS_MAX)
