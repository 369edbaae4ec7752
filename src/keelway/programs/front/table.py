"""Decide which release answers the next request: the routing table as data, and a fair weighted choice."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

BACKENDS_MAX = 32
WEIGHT_MAX = 100
EPOCH_MAX = 2**53
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_URL_CHARACTERS_MAX = 200
_PORT_MAX = 65535


class BadRoutes(ValueError):
    """Say which field of a routing table is wrong and why."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.field = where


@dataclass(frozen=True, slots=True)
class Backend:
    """Name one release, the loopback URL it listens on and its share of new requests (0 takes none)."""

    release: str
    url: str
    weight: int


@dataclass(frozen=True, slots=True)
class Routes:
    """Hold one whole routing table under the epoch of whoever wrote it."""

    epoch: int = 0
    backends: tuple[Backend, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the table in the shape that `parse_routes` reads."""
        return {
            "epoch": self.epoch,
            "backends": {b.release: {"url": b.url, "weight": b.weight} for b in self.backends},
        }


def parse_routes(value: object) -> Routes:
    """Read a routing table from decoded JSON.

    Raises:
        BadRoutes: naming the first field that is missing, unknown or out of range.
    """
    body = _mapping(value, "body")
    _only(body, {"epoch", "backends"}, "body")
    epoch = _whole(body.get("epoch"), "epoch", EPOCH_MAX)
    backends = _mapping(body.get("backends"), "backends")
    if len(backends) > BACKENDS_MAX:
        raise BadRoutes("backends", f"{len(backends)} releases, at most {BACKENDS_MAX} are allowed")
    return Routes(epoch, tuple(_backend(release, entry) for release, entry in sorted(backends.items())))


def _backend(release: str, entry: object) -> Backend:
    """Read one release of the table."""
    where = f"backends.{release}"
    if not _RELEASE.fullmatch(release):
        raise BadRoutes(
            where, "a release name is 1 to 128 letters, digits and . _ + -, and starts with a letter or digit"
        )
    fields = _mapping(entry, where)
    _only(fields, {"url", "weight"}, where)
    return Backend(
        release,
        _loopback_url(fields.get("url"), f"{where}.url"),
        _whole(fields.get("weight"), f"{where}.weight", WEIGHT_MAX),
    )


def _mapping(value: object, where: str) -> Mapping[str, object]:
    """Insist on a JSON object."""
    if not isinstance(value, dict):
        raise BadRoutes(where, "must be a JSON object")
    return cast("Mapping[str, object]", value)


def _only(fields: Mapping[str, object], known: set[str], where: str) -> None:
    """Refuse names that we would silently ignore."""
    unknown = sorted(set(fields) - known)
    if unknown:
        raise BadRoutes(f"{where}.{unknown[0]}", f"unknown field; known are {', '.join(sorted(known))}")


def _whole(value: object, where: str, maximum: int) -> int:
    """Insist on a whole number from 0 to the maximum."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise BadRoutes(where, f"must be a whole number from 0 to {maximum}")
    return value


def _loopback_url(value: object, where: str) -> str:
    """Insist on http://HOST:PORT on this machine, so that the table cannot point the front elsewhere."""
    wanted = "must be http://127.0.0.1:PORT (or another loopback address) without a path"
    if not isinstance(value, str) or len(value) > _URL_CHARACTERS_MAX or not value.isascii():
        raise BadRoutes(where, wanted)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise BadRoutes(where, wanted) from error
    host = parts.hostname or ""
    authority = f"[{host}]" if ":" in host else host
    if port is None or not 0 < port <= _PORT_MAX or not is_loopback(host):
        raise BadRoutes(where, wanted)
    plain = f"http://{authority}:{port}"
    if value.removesuffix("/").lower() != plain:
        raise BadRoutes(where, wanted)
    return plain


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(slots=True)
class Chooser:
    """Spread requests over the releases of one table exactly by weight.

    Smooth weighted round robin as nginx has it: each turn every release gains its weight, the richest is chosen
    and pays the total. Over any run of `total` turns each release is chosen exactly `weight` times.
    """

    routes: Routes
    _open: tuple[Backend, ...] = field(init=False)
    _credit: list[int] = field(init=False)
    _total: int = field(init=False)

    def __post_init__(self) -> None:
        self._open = tuple(b for b in self.routes.backends if b.weight > 0)
        self._credit = [0] * len(self._open)
        self._total = sum(b.weight for b in self._open)

    def choose(self) -> Backend | None:
        """Pick the release for one new request, or None when no release takes traffic."""
        if len(self._open) == 1:
            return self._open[0]
        best = -1
        for index, backend in enumerate(self._open):
            self._credit[index] += backend.weight
            if best < 0 or self._credit[index] > self._credit[best]:
                best = index
        if best < 0:
            return None
        self._credit[best] -= self._total
        return self._open[best]

    def open_releases(self) -> tuple[str, ...]:
        """Name the releases that take new requests."""
        return tuple(b.release for b in self._open)

    def takes(self, backend: Backend) -> bool:
        """Tell whether this very release at this very address still takes new requests."""
        return any(b.release == backend.release and b.url == backend.url for b in self._open)


def told(routes: Routes, inflight: Mapping[str, int], urls: Mapping[str, str]) -> dict[str, Any]:
    """Return the epoch and every release with a share or with work, as `GET /state` tells them.

    Args:
        routes: the table.
        inflight: requests that have not ended, by release.
        urls: last known address, by release; for those that have no share any more.
    """
    backends: dict[str, Any] = {
        one.release: {"url": one.url, "weight": one.weight, "inflight": inflight.get(one.release, 0)}
        for one in routes.backends
    }
    for release, count in inflight.items():
        if count and release not in backends:
            backends[release] = {"url": urls.get(release, ""), "weight": 0, "inflight": count}
    for entry in backends.values():
        entry["draining"] = entry["weight"] == 0 and entry["inflight"] != 0
    return {"epoch": routes.epoch, "backends": backends}
