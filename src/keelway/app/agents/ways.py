"""Open the ways that agents have out of their sandbox: to their model, and to the hosts on the list."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.app.agents.fence import user_of
from keelway.app.agents.money import gateway_of
from keelway.app.config import Config
from keelway.app.home import Home
from keelway.clients.egress import Egress
from keelway.clients.gateway.gateway import Gateway
from keelway.ports.ledger import Ledger
from keelway.ports.vault import Vault

EGRESS = "egress"


@dataclass(frozen=True)
class Ways:
    """Hold what runs go out by; nothing listens before the first run."""

    gateway: Gateway | None = None
    egress: Egress | None = None

    def stop(self) -> None:
        """Shut both; what was used is booked first."""
        if self.gateway is not None:
            self.gateway.stop()
        if self.egress is not None:
            self.egress.stop()


def make_ways(config: Config, home: Home, vault: Vault, ledger: Ledger) -> Ways:
    """Return the ways that a configuration opens, with the book behind them."""
    sandbox = config.file.sandbox
    egress = Egress(home.root / EGRESS, uid=user_of(sandbox)) if sandbox.egress else None
    return Ways(gateway_of(config, home, vault, ledger), egress)
