"""Write the two configurations of Traefik: how it runs, and who takes traffic."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.programs.front.record.counters import LATENCY_BOUNDS_MS
from keelway.programs.front.table import Backend

IDLE_SECONDS = 1.0
"""How long Traefik keeps an idle connection to a release; after it, an open connection is a request in flight."""

WHOLE = "releases"
_PREFIX = "release-"


def service_of(release: str) -> str:
    """Return the name of a release's service."""
    return f"{_PREFIX}{release}"


def release_of(service: str) -> str:
    """Return the release behind a service, empty for a service that is none."""
    name = service.partition("@")[0]
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""


@dataclass(frozen=True, slots=True)
class Paper:
    """Name the files of one Traefik and what it listens on."""

    folder: Path
    host: str
    port: int
    stop_seconds: float

    @property
    def file(self) -> Path:
        """Return how it runs."""
        return self.folder / "traefik.yml"

    @property
    def routes(self) -> Path:
        """Return who takes traffic."""
        return self.folder / "traefik.routes.yml"

    def text(self, inner_port: int) -> str:
        """Return how it runs; JSON is YAML, and needs no quoting of ours."""
        users = {
            "address": _address(self.host, self.port),
            "transport": {
                "lifeCycle": {"graceTimeOut": f"{max(1.0, self.stop_seconds):.0f}s"},
                "respondingTimeouts": {"readTimeout": "300s", "idleTimeout": "75s"},
            },
        }
        return json.dumps(
            {
                "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
                "log": {"level": "WARN"},
                "entryPoints": {
                    "users": users,
                    "traefik": {"address": _address("127.0.0.1", inner_port)},
                },
                "api": {"insecure": True, "dashboard": False},
                "metrics": {
                    "prometheus": {
                        "entryPoint": "traefik",
                        "addEntryPointsLabels": True,
                        "addServicesLabels": True,
                        "buckets": [bound / 1_000 for bound in LATENCY_BOUNDS_MS],
                    }
                },
                "providers": {
                    "providersThrottleDuration": "0s",
                    "file": {"filename": str(self.routes), "watch": True},
                },
            },
            indent=1,
        )


def routes_text(backends: Iterable[Backend]) -> str:
    """Return who takes traffic; releases without a share stay known, so that their counts stay."""
    listed = list(backends)
    shares = [{"name": service_of(one.release), "weight": one.weight} for one in listed if one.weight]
    if not shares:
        return json.dumps({})
    services: dict[str, Any] = {
        service_of(one.release): {
            "loadBalancer": {
                "servers": [{"url": one.url}],
                "serversTransport": "plain",
                "passHostHeader": True,
            }
        }
        for one in listed
    }
    services[WHOLE] = {"weighted": {"services": shares}}
    timeouts = {"dialTimeout": "5s", "responseHeaderTimeout": "300s", "idleConnTimeout": f"{IDLE_SECONDS:g}s"}
    router = {
        "rule": "PathPrefix(`/`)",
        "entryPoints": ["users"],
        "service": WHOLE,
        "middlewares": ["again"],
    }
    return json.dumps(
        {
            "http": {
                "routers": {"users": router},
                "middlewares": {"again": {"retry": {"attempts": 3, "initialInterval": "100ms"}}},
                "services": services,
                "serversTransports": {"plain": {"maxIdleConnsPerHost": 500, "forwardingTimeouts": timeouts}},
            }
        },
        indent=1,
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
