"""Put together what one look sees besides the counted intervals, and what was there before."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from keelway.adapters.signal.front.logfile import exceptions_in
from keelway.adapters.signal.front.routes import past_routes, routes_within
from keelway.adapters.signal.front.told import Told, told
from keelway.adapters.signal.front.vitals import vitals_of
from keelway.adapters.signal.front.volume import VOLUME_BYTES_MAX, log_size, logged_bytes
from keelway.clients.control import Json
from keelway.clients.places import Places
from keelway.core.errors import TheirFault
from keelway.core.model.project import Project
from keelway.core.observe.sight import Past, Sight, Stand
from keelway.core.traffic.route import release_of
from keelway.ports.signal import ExceptionSeen

Between = tuple[datetime, datetime]
TITLES_MAX = 20
FINGERPRINTS_MAX = 500


def past_of(
    project: Project,
    places: Places,
    environment: str,
    release: str,
    between: Between,
    without: tuple[str, ...] = (),
) -> Past:
    """Return what is known of the time before a release, without what some releases did to it.

    How much was logged counts as unknown where there are such: lines seldom say whose they are.
    """
    since, until = (instant.timestamp() for instant in between)
    try:
        counted = told(project, places, environment, between[0])
    except TheirFault:
        counted = Told()
    served = [tick for tick in counted.history["ticks"] if release_of(str(tick["release"])) not in without]
    history = {**counted.history, "ticks": served}
    active = _before(history, release, until)
    routes = past_routes(history, since, until)
    known: tuple[str, ...] = ()
    pace, size = 0.0, -1
    if project.log:
        path = Path(places.fill(project.log, environment))
        try:
            seen = exceptions_in(path, between[0])
            known = tuple(one.fingerprint for one in seen if one.first_at < between[1])[:FINGERPRINTS_MAX]
            pace = 0.0 if without else logged_bytes(path, *between) / max(1.0, until - since)
            size = log_size(path)
        except TheirFault:
            pace = 0.0
    return Past(
        requests=sum(route.requests for route in routes),
        routes=routes,
        fingerprints=known,
        log_bytes_per_second=pace,
        vitals=vitals_of(places, environment, active, between[1]) if active else None,
        answers=counted.answers(active),
        own_answers=counted.answers(release),
        log_size=size,
    )


def _before(history: Json, release: str, until: float) -> str:
    """Return the release that served last before an instant."""
    served = [
        (float(tick["at"]), str(tick["release"]))
        for tick in history["ticks"]
        if tick["release"] != release and float(tick["at"]) <= until and tick["requests"]
    ]
    return max(served, default=(0.0, ""))[1]


def look_at(
    project: Project, places: Places, environment: str, release: str, stand: Stand, counted: Told
) -> Sight:
    """Return what one look sees besides the counted intervals.

    Raises:
        TheirFault: the log cannot be read.
    """
    since, until = stand.seen_until.timestamp(), stand.now.timestamp()
    fresh: tuple[ExceptionSeen, ...] = ()
    logged, size = 0, -1
    if project.log:
        path = Path(places.fill(project.log, environment))
        fresh = tuple(
            one
            for one in exceptions_in(path, stand.seen_until, stand.now)
            if one.fingerprint not in stand.known and one.release in {"", release}
        )
        logged, size = logged_bytes(path, stand.seen_until, stand.now), log_size(path)
        if min(size, stand.log_size) >= 0:
            logged = max(logged, size - stand.log_size)
    return Sight(
        routes=routes_within(counted.history, release, since, until),
        vitals=vitals_of(places, environment, release, stand.now),
        new_errors=sum(one.count for one in fresh),
        new_titles=tuple(one.title for one in fresh[:TITLES_MAX]),
        log_bytes=logged,
        log_dropped=logged >= VOLUME_BYTES_MAX,
        answers=counted.answers(release),
        log_size=size,
    )
