"""What stands between an agent and the rest of the world: a cage, the gate to the model, the way to a few hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from keelway.clients.cage import Bounds, Cage, Settings, choose_cage
from keelway.clients.egress import Egress, EgressGrant, EgressPass, inside_environment
from keelway.clients.run.purse import Gate

NONE = "none"
MODEL_PORT = 4180
"""Where an agent finds the gateway, if it has a loopback of its own."""
EGRESS_PORT = 4181
"""Where it finds the proxy."""


def _no_cage() -> Cage:
    return choose_cage(NONE, Settings())


@dataclass(frozen=True)
class Fence:
    """Hold what every run of an agent is put behind."""

    cage: Cage = field(default_factory=_no_cage)
    bounds: Bounds = field(default_factory=Bounds)
    gate: Gate | None = None
    """The model gateway; None for agents that need no model, or find their own."""
    egress: Egress | None = None
    """The proxy to the listed hosts; None where nothing is reached."""
    hosts: tuple[str, ...] = ()
    open_places: tuple[str, ...] = ()
    """What of an agent's work runs without this fence, in words; it then is for trusted people only."""
    objects: str = ""
    """Folder of git objects that workspaces borrow; without it git inside knows no commit."""

    def outlet(self, log_path: str) -> Outlet | None:
        """Open a way to the listed hosts for one run, if there are any.

        Raises:
            YourFault: an entry of the list is unreadable.
            TheirFault: the record cannot be written.
        """
        if self.egress is None or not self.hosts:
            return None
        isolated = self.cage.isolates_network
        opened = self.egress.open(EgressGrant(self.hosts, log_path, loopback=not isolated))
        return Outlet(self.egress, opened, isolated)


@dataclass(frozen=True)
class Outlet:
    """Be the way of one run to the hosts that it was granted."""

    egress: Egress
    ticket: EgressPass
    isolated: bool
    """Whether the run has a loopback of its own."""

    @property
    def env(self) -> Mapping[str, str]:
        """Return what tells programs of the proxy."""
        return inside_environment(f"http://127.0.0.1:{EGRESS_PORT}" if self.isolated else self.ticket.proxy)

    @property
    def relays(self) -> dict[int, str]:
        """Return the port inside and the socket behind it."""
        return {EGRESS_PORT: self.ticket.socket} if self.isolated else {}

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the port of this machine that has to be let through."""
        port = urlsplit(self.ticket.url).port
        return (port,) if port and not self.isolated else ()

    def close(self) -> None:
        """End the way and every connection on it."""
        self.egress.close(self.ticket)
