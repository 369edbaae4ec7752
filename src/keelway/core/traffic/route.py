"""Share traffic over releases and their instances, and read back what a balancer says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INSTANCE_SIGN = "+"
"""Stands between a release and the number of a further instance in the name that a balancer knows it by."""

_FAILED = ("s5xx", "upstream_errors", "timeouts")


@dataclass(frozen=True)
class Route:
    """Give a release its share of new requests; ``urls`` says where its instances listen."""

    weight: int
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Routed:
    """Describe a release as a balancer has it; one without a share may still answer what it has begun."""

    release: str
    weight: int
    urls: tuple[str, ...]
    inflight: int


@dataclass(frozen=True)
class TrafficState:
    """Describe the traffic of an environment as it is."""

    epoch: int
    routes: tuple[Routed, ...]
    detail: str = ""
    """What the balancer complains about; empty for nothing."""

    @property
    def table(self) -> dict[str, Route]:
        """Return the releases that take new requests."""
        return {one.release: Route(one.weight, one.urls) for one in self.routes if one.weight}

    @property
    def active(self) -> str:
        """Return the release with the greatest share, empty when none has any."""
        return max(self.routes, key=lambda one: one.weight).release if self.table else ""

    def of(self, release: str) -> Routed:
        """Return what is known of a release; nothing is known of one that never had traffic."""
        return next((one for one in self.routes if one.release == release), Routed(release, 0, (), 0))


@dataclass(frozen=True)
class Counted:
    """Count what a release was asked since its first request."""

    requests: int
    errors: int
    """Answers of 500 and above, and requests that it did not answer."""


def spread(routes: Mapping[str, Route]) -> dict[str, tuple[str, int]]:
    """Return address and weight by the name of each instance; the shares of a release are spread evenly."""
    found: dict[str, tuple[str, int]] = {}
    for release, route in routes.items():
        each, rest = divmod(route.weight, max(1, len(route.urls)))
        for number, url in enumerate(route.urls):
            weight = each + int(number < rest)
            found[instance_name(release, number)] = (url, max(weight, 1) if route.weight else 0)
    return found


def instance_name(release: str, number: int) -> str:
    """Return the name of an instance; the first, number 0, is called as its release is."""
    return f"{release}{INSTANCE_SIGN}{number + 1}" if number else release


def release_of(name: str) -> str:
    """Return the release that an instance belongs to."""
    head, sign, number = name.rpartition(INSTANCE_SIGN)
    return head if sign and number.isdigit() else name


def read_state(said: Mapping[str, Any]) -> TrafficState:
    """Read what a balancer says of itself, its instances gathered by release."""
    found: dict[str, Routed] = {}
    for name in sorted(said.get("backends", {})):
        entry, release = said["backends"][name], release_of(name)
        weight, inflight = int(entry["weight"]), int(entry["inflight"])
        old = found.get(release, Routed(release, 0, (), 0))
        # An instance that only ends what it has begun is none of those that take new requests.
        gone = bool(old.weight) > bool(weight)
        urls = (
            old.urls if gone else (*(old.urls if bool(old.weight) == bool(weight) else ()), str(entry["url"]))
        )
        found[release] = Routed(release, old.weight + weight, urls, old.inflight + inflight)
    routes = tuple(found[release] for release in sorted(found))
    return TrafficState(int(said.get("epoch", 0)), routes, str(said.get("state_error") or ""))


def read_counts(said: Mapping[str, Any]) -> dict[str, Counted]:
    """Read requests and failures of a balancer by release."""
    return {
        release: Counted(totals["requests"], sum(totals[kind] for kind in _FAILED))
        for release, totals in totals_by_release(said).items()
    }


def totals_by_release(said: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Read every total of a balancer by its name and by release, its instances added up."""
    found: dict[str, dict[str, int]] = {}
    for name, one in said.get("releases", {}).items():
        mine = found.setdefault(release_of(name), {})
        for kind, count in one.items():
            if isinstance(count, int):  # buckets are told beside the totals
                mine[kind] = mine.get(kind, 0) + count
    return found
