"""HAProxy, started and kept by Keelway and moved by its runtime interface; Debian has it."""

from __future__ import annotations

from keelway.clients.balance.carried import CarriedTraffic
from keelway.ports.traffic import Traffic


class HaproxyTraffic(CarriedTraffic):
    """Hold the port by HAProxy."""

    kind = "haproxy"
    install = "apt-get install haproxy"

    def module(self) -> tuple[str, ...]:
        """Return the keeper of HAProxy.

        Raises:
            YourFault: HAProxy is not on this machine.
        """
        return ("keelway.programs.balancer", "--kind", self.kind, "--binary", self.program())


_check: type[Traffic] = HaproxyTraffic
ADAPTER = HaproxyTraffic
