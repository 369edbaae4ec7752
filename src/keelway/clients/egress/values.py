"""Name what the egress proxy is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True)
class EgressGrant:
    """Permit one run of an agent to reach some hosts."""

    hosts: tuple[str, ...]
    """Entries as ``keelway.core.rule.egress.read_entries`` takes them."""
    log_path: str
    """Where each decision is written as a line of JSON; nothing is let pass that cannot be written there."""
    loopback: bool = False
    """Listen on a loopback port too, for a program without a network of its own."""


@dataclass(frozen=True)
class EgressPass:
    """Hold what a run needs to reach the proxy; it is void once closed."""

    socket: str
    """A Unix socket for this run alone; who reaches it needs no token."""
    url: str = ""
    """``http://127.0.0.1:<port>`` where a loopback port was wanted, else empty."""
    token: str = field(default="", repr=False)
    """What the loopback port asks for as the password of any user; good for this run only."""

    @property
    def proxy(self) -> str:
        """Return the address of the loopback port with the token in it, as proxy variables take it."""
        return self.url.replace("//", f"//keelway:{self.token}@", 1) if self.url else ""


@dataclass(frozen=True)
class EgressTotals:
    """Say what a run has reached and tried to reach so far."""

    allowed: int = 0
    refused: int = 0
    failed: int = 0
    """Let pass by the list, but not to be reached."""
    up_bytes: int = 0
    """From the run to the hosts."""
    down_bytes: int = 0
    hosts: tuple[str, ...] = ()
    """Which hosts were reached, in order of the first time."""
    refused_hosts: tuple[str, ...] = ()
    """Which were not let pass; the first ones, if there are very many."""


@dataclass(frozen=True)
class EgressLimits:
    """Bound what one run, or all of them, may use of the proxy."""

    connections_max: int = 64
    """Of one run at a time."""
    loopback_connections_max: int = 256
    """Of everybody together on the loopback port, with a token or without."""
    decisions_max: int = 20_000
    """Of one run; later ones are refused without being written down."""
    head_bytes_max: int = 16 * KIB
    head_seconds: float = 10.0
    resolve_seconds: float = 10.0
    connect_seconds: float = 10.0
    """For all addresses of a name together."""
    addresses_max: int = 4
    idle_seconds: float = 60.0
    """Without a byte in either direction."""
    life_seconds: float = 1800.0
    """Of one connection."""
    up_bytes_max: int = 64 * MIB
    """Of one run: what could be carried out of the workspace."""
    down_bytes_max: int = 4 * GIB
    names_max: int = 100
    """Hosts that the totals name."""
    tls_names: bool = True
    """Hold a tunnel to port 443 to TLS, and any TLS to the host that was asked for."""
