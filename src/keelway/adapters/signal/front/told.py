"""Ask a front once for everything that one look wants of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keelway.clients.control import Front, Json
from keelway.clients.places import Places
from keelway.core.model.project import Project
from keelway.core.observe.sight import Answers
from keelway.core.traffic.route import totals_by_release


@dataclass(frozen=True)
class Told:
    """Hold what a front counted; nothing where none of ours counts."""

    history: Json = field(default_factory=lambda: {"ticks": []})
    counters: Json = field(default_factory=lambda: {"releases": {}})

    def answers(self, release: str) -> Answers:
        """Return what a release answered since its first request; nothing for one that nobody asked."""
        totals = totals_by_release(self.counters).get(release)
        if totals is None:
            return Answers()
        return Answers(
            requests=totals["requests"],
            served=totals["s1xx"] + totals["s2xx"],
            redirected=totals["s3xx"],
            refused=totals["s4xx"],
        )


def told(project: Project, places: Places, environment: str, since: datetime) -> Told:
    """Ask the front of an environment for its totals and its ticks since an instant.

    Raises:
        TheirFault: it does not answer.
    """
    if not project.environment(environment).target.local:
        return Told()
    front = Front(places.front_socket(environment))
    return Told(front.history(max(0.0, since.timestamp())), front.counters())
