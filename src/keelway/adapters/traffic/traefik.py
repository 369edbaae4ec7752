"""Traefik, started and kept by Keelway and moved by the file that it watches; the extra ``traefik`` brings it."""

from __future__ import annotations

from keelway.clients.balance.carried import CarriedTraffic
from keelway.ports.traffic import Traffic


class TraefikTraffic(CarriedTraffic):
    """Hold the port by Traefik."""

    kind = "traefik"
    install = "pip install 'keelway[traefik]'"

    def module(self) -> tuple[str, ...]:
        """Return the keeper of Traefik.

        Raises:
            YourFault: Traefik is not on this machine.
        """
        return ("keelway.programs.balancer", "--kind", self.kind, "--binary", self.program())


_check: type[Traffic] = TraefikTraffic
ADAPTER = TraefikTraffic
