"""Miss what was always there: a route that nobody reaches any more, a log that fell silent.

An error counter that was taken out, a route that answers 404 and a worker that died quietly all look like health
to whoever only counts failures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from keelway.core.observe.sight import Past, RouteCount

EXPECTED_MIN = 20.0
"""Requests that a route should have had before its absence says anything."""

LEFT_SHARE_MAX = 0.1
"""Share of the expected requests up to which a route counts as gone."""

PRESENT_SHARE_MIN = 0.5
"""Share of the minutes before in which a route has to have been asked: what comes in bursts may stay away."""

LOG_BYTES_MIN = 2_000.0
"""Bytes that should have been logged before silence says anything."""

SHOWN_MAX = 5


def vanished_routes(past: Past, seen: Sequence[RouteCount], requests: int) -> tuple[str, ...]:
    """Name the routes that get hardly any of the requests that their share of the traffic lets expect.

    Args:
        past: the time before.
        seen: what was counted by route since.
        requests: what was counted in all since.
    """
    counted: dict[str, int] = {}
    for one in seen:
        counted[one.route] = counted.get(one.route, 0) + one.requests
    gone = []
    for route in past.routes:
        expected = requests * route.requests / past.requests if past.requests else 0.0
        steady = route.present_share >= PRESENT_SHARE_MIN
        if steady and expected >= EXPECTED_MIN and counted.get(route.route, 0) <= LEFT_SHARE_MAX * expected:
            gone.append(
                f"{route.route} ({counted.get(route.route, 0)} requests, {expected:.0f} were to be expected)"
            )
    return tuple(gone)


def vanished_sentence(gone: Sequence[str]) -> str:
    """Say what is gone."""
    more = f" and {len(gone) - SHOWN_MAX} more" if len(gone) > SHOWN_MAX else ""
    return f"Hardly reached any more: {'; '.join(gone[:SHOWN_MAX])}{more}."


def log_fell_silent(past: Past, log_bytes: int, seconds: float) -> str:
    """Say that an application which always logged says nothing any more; empty when it does, or never did."""
    expected = past.log_bytes_per_second * seconds
    if not math.isfinite(expected) or expected < LOG_BYTES_MIN or log_bytes > 0:
        return ""
    return f"Nothing was logged in {seconds:.0f} s, where {expected:.0f} bytes were to be expected."
