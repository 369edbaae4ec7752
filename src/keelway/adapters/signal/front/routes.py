"""Add up a front's ticks by route."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from keelway.clients.control import Json
from keelway.core.measure.eprocess import overdispersion
from keelway.core.measure.sample import Counts
from keelway.core.observe.sight import RouteCount, RoutePast

ROUTES_MAX = 100
_BLOCK_SECONDS = 10.0
_MINUTE_SECONDS = 60.0


def routes_within(history: Json, release: str, since: float, until: float) -> tuple[RouteCount, ...]:
    """Return what each route of a release (or of all) served in ticks that end within a time, by name."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for _, tick in _ticks(history, release, since, until):
        for route, (requests, errors) in tick["routes"].items():
            found[route][0] += int(requests)
            found[route][1] += int(errors)
    return tuple(RouteCount(name, *found[name]) for name in sorted(found))


def past_routes(history: Json, since: float, until: float) -> tuple[RoutePast, ...]:
    """Return what each route served before, the busiest first, and how steady it was."""
    blocks: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    minutes: dict[str, set[int]] = defaultdict(set)
    every_minute: set[int] = set()
    for ended, tick in _ticks(history, "", since, until):
        minute = int((ended - since) / _MINUTE_SECONDS)
        every_minute.add(minute)
        for route, (requests, errors) in tick["routes"].items():
            counts = blocks[route][int((ended - since) / _BLOCK_SECONDS)]
            counts[0] += int(requests)
            counts[1] += min(int(errors), int(requests))
            if requests:
                minutes[route].add(minute)
    found = [
        RoutePast(
            route,
            sum(requests for requests, _ in counted.values()),
            sum(errors for _, errors in counted.values()),
            overdispersion([Counts(*counted[block]) for block in sorted(counted)]),
            len(minutes[route]) / max(1, len(every_minute)),
        )
        for route, counted in blocks.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.requests, one.route))[:ROUTES_MAX])


def _ticks(history: Json, release: str, since: float, until: float) -> Iterable[tuple[float, Json]]:
    for tick in history["ticks"]:
        ended = float(tick["at"])
        if since < ended <= until and (not release or tick["release"] == release):
            yield ended, tick
