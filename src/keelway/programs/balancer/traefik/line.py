"""Read what Traefik says of itself: the routes that it has taken, and its metrics for Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import aiohttp

from keelway.programs.balancer.engine import Reading
from keelway.programs.balancer.traefik.paper import WHOLE, release_of, service_of
from keelway.programs.front.record.counters import LATENCY_BOUNDS_MS

_SECONDS = 5.0
_BYTES_MAX = 16 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_LINE = re.compile(r"^(traefik_\w+)\{(.*)\} ([0-9.e+-]+)$")
_NOBODY = frozenset({"404", "503"})
"""What Traefik answers itself when there is no route, or no release behind it."""

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class Line:
    """Reach one Traefik on its inner port of this machine."""

    port: int = 0

    async def get(self, path: str) -> str:
        """Return an answer; raises OSError when there is none, or none in time."""
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
            ):
                answer.raise_for_status()
                parts, size = [], 0
                async for part in answer.content.iter_chunked(_CHUNK_BYTES):
                    parts.append(part)
                    size += len(part)
                    if size > _BYTES_MAX:
                        raise OSError(f"it says more than {_BYTES_MAX} bytes at {path}")
                return b"".join(parts).decode("utf-8", "replace")
        except (TimeoutError, aiohttp.ClientError) as error:
            raise OSError(f"{type(error).__name__} {error}".strip()) from error

    async def shares(self) -> dict[str, tuple[str, int]]:
        """Return address and weight by release, as Traefik has taken them; raises OSError."""
        try:
            said: dict[str, Any] = json.loads(await self.get("/api/rawdata")).get("services") or {}
        except ValueError as error:
            raise OSError(f"it answers with something else than JSON: {error}") from error
        whole = said.get(f"{WHOLE}@file", {}).get("weighted", {}).get("services", [])
        found: dict[str, tuple[str, int]] = {}
        for entry in whole:
            release = release_of(str(entry["name"]))
            service = said.get(f"{service_of(release)}@file", {}).get("loadBalancer", {})
            urls = [str(server.get("url", "")) for server in service.get("servers", [])]
            found[release] = (urls[0].removesuffix("/") if urls else "", int(entry.get("weight") or 0))
        return found

    async def readings(self) -> tuple[dict[str, Reading], int]:
        """Return the counts by release, and how many requests no release answered; raises OSError."""
        return read_metrics(await self.get("/metrics"))


def read_metrics(text: str) -> tuple[dict[str, Reading], int]:
    """Read counts by release and requests that no release answered from metrics for Prometheus."""
    numbers: dict[str, dict[str, int]] = {}
    below: dict[str, dict[float, int]] = {}
    lost = 0
    for name, labels, value in _lines(text):
        nobody = labels.get("code") in _NOBODY
        if name == "traefik_entrypoint_requests_total" and labels.get("entrypoint") == "users":
            lost += value if nobody else 0
        release = release_of(labels.get("service", ""))
        if not release:
            continue
        mine = numbers.setdefault(release, {"requests": 0})
        if name == "traefik_service_requests_total":
            kind = f"s{labels.get('code', '0')[:1]}xx"
            mine["requests"] += value
            lost -= value if nobody else 0
            mine[kind] = mine.get(kind, 0) + value
        elif name == "traefik_service_request_duration_seconds_bucket":
            bound = float(labels["le"])
            row = below.setdefault(release, {})
            row[bound] = row.get(bound, 0) + value
    readings = {
        release: Reading(release, mine, _buckets(below.get(release, {}))) for release, mine in numbers.items()
    }
    return readings, max(0, lost)


def _lines(text: str) -> Iterator[tuple[str, dict[str, str], int]]:
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            yield found[1], dict(_LABEL.findall(found[2])), int(float(found[3]))


def _buckets(below: dict[float, int]) -> tuple[int, ...]:
    """Turn counts below rising bounds into counts between them; empty when the buckets are not ours."""
    if len(below) != len(LATENCY_BOUNDS_MS) + 1:
        return ()
    rising = [0, *(below[bound] for bound in sorted(below))]
    return tuple(max(0, above - under) for under, above in pairwise(rising))
