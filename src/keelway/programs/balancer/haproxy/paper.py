"""Write the configuration of HAProxy so that a start, whoever does it, has the routes that hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from keelway.core.traffic.route import release_of

BACKEND = "releases"
SLOTS = tuple(f"s{number}" for number in range(1, 17))
"""Places for servers, filled while HAProxy runs; the front's table has at most as many releases at work."""

_GLOBAL = """\
# Written by Keelway; changes are overwritten.
global
  stats socket unix@{socket} mode 600 level admin
  maxconn {connections}
  hard-stop-after {stop_seconds:.0f}s
  noreuseport

defaults
  mode http
  maxconn {connections}
  timeout connect 5s
  timeout client 75s
  timeout http-request 30s
  timeout server 300s
  timeout queue 10s
  timeout tunnel 1h
  option http-keep-alive
  option forwardfor
  option redispatch
  retries 3
  retry-on conn-failure empty-response

frontend users
  bind {address}
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  default_backend {backend}

backend {backend}
  balance roundrobin
  # What is not a plain read may have had its effect already when the answer is lost.
  http-request disable-l7-retry unless METH_GET
  http-response set-header X-Keelway-Release %[srv_name,map({names})]
  default-server weight 100 check inter 200ms rise 1 fall 2
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """Say which release a server of HAProxy stands for, where it listens and its share."""

    release: str
    url: str
    weight: int = 0

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        return ("127.0.0.1" if host == "localhost" else host, parts.port or 0)


@dataclass(frozen=True, slots=True)
class Paper:
    """Name the files of one HAProxy and what it listens on."""

    folder: Path
    """Where the configuration lies."""
    socket: Path
    """Its stats socket."""
    host: str
    port: int
    connections_max: int
    stop_seconds: float

    @property
    def file(self) -> Path:
        """Return the configuration."""
        return self.folder / "haproxy.cfg"

    @property
    def names(self) -> Path:
        """Return the map from servers to releases."""
        return self.folder / "haproxy.releases"

    def text(self, slots: Mapping[str, Slot]) -> str:
        """Return the configuration with the servers that take traffic; the others wait, disabled."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [
            _GLOBAL.format(
                socket=self.socket,
                connections=self.connections_max,
                stop_seconds=max(1.0, self.stop_seconds),
                address=f"{host}:{self.port}",
                backend=BACKEND,
                names=self.names,
            )
        ]
        lines += [_server(name, slots.get(name)) for name in SLOTS]
        return "".join(lines)

    def map_text(self, slots: Mapping[str, Slot]) -> str:
        """Return the names of the releases behind the servers."""
        return "".join(
            f"{name} {release_of(slots[name].release) if name in slots else '-'}\n" for name in SLOTS
        )


def _server(name: str, slot: Slot | None) -> str:
    if slot is None or not slot.weight:
        return f"  server {name} 127.0.0.1:1 disabled\n"
    host, port = slot.address
    # `weight 100` stays the yardstick: against a small one HAProxy rounds a percentage down to nothing.
    return f"  server {name} {host}:{port} weight {slot.weight}\n"
