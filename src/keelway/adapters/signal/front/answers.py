"""Add up what a release answered, by the class of the status, over all its instances."""

from __future__ import annotations

from keelway.clients.control import Json
from keelway.core.observe.sight import Answers
from keelway.core.traffic.route import release_of


def answers_of(counters: Json, release: str) -> Answers:
    """Return what a release answered since its first request; nothing for one that nobody asked."""
    mine = [one for name, one in counters["releases"].items() if release and release_of(name) == release]
    return Answers(
        requests=_sum(mine, "requests"),
        served=_sum(mine, "s1xx", "s2xx"),
        redirected=_sum(mine, "s3xx"),
        refused=_sum(mine, "s4xx"),
    )


def _sum(counted: list[Json], *kinds: str) -> int:
    return sum(int(one[kind]) for one in counted for kind in kinds)
