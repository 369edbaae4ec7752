"""Build looks at a release for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keelway.core.measure.health import ProbeTick
from keelway.core.measure.sample import Counts, Tick
from keelway.core.measure.verdict import VerdictSettings
from keelway.core.observe.release import Looked, Story
from keelway.core.observe.sight import Past, RouteCount, RoutePast, Sight, Vitals

START = datetime(2030, 1, 1, tzinfo=UTC)
SETTINGS = VerdictSettings()
HISTORY = tuple(Tick(START + timedelta(seconds=10 * i - 3600), 100, 1, 5, seconds=10.0) for i in range(360))
PAST = Past(
    36_000,
    (RoutePast("/ships", 32_400, 324), RoutePast("/pay", 3_600, 36)),
    ("known",),
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def vitals(seconds: float, **changed: float) -> Vitals:
    usual = {
        "processes": 2,
        "memory_mb": 100.0,
        "cpu_seconds": seconds * 0.2,
        "descriptors": 20,
        "descriptors_max": 1024,
        "restarts": 0,
        "written_mb": 10.0,
        "disk_free_mb": 50_000.0,
        "memory_free_mb": 8_000.0,
        "cores": 2,
    }
    return Vitals(at(seconds), **{**usual, **changed})


def look(
    seconds: float, *, requests: int = 100, errors: int = 1, pay: tuple[int, int] = (10, 0), **more
) -> Looked:
    """Make a look that ends ten seconds after its interval began."""
    totals = more.pop("totals", {})
    tick = Tick(at(seconds - 10), requests, errors, more.pop("slow", 5), seconds=10.0)
    routes = (RouteCount("/ships", requests - pay[0], max(0, errors - pay[1])), RouteCount("/pay", *pay))
    sight = Sight(**{"ticks": (tick,), "routes": routes, **more})
    return Looked(at(seconds), sight, totals)


def story(
    looks, *, past: Past = PAST, history=HISTORY, stabilise: float = 30.0, well: bool = True, **more
) -> Story:
    answers = tuple(ProbeTick(each.at, well, "health") for each in looks)
    return Story(START, stabilise, history, past, tuple(looks), answers, **more)


def counts(ended: int, failed: int) -> Counts:
    return Counts(ended, failed)
