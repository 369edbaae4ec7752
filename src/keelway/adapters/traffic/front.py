"""Keelway's own front: a reverse proxy that needs nothing besides Keelway."""

from __future__ import annotations

from keelway.clients.balance.carried import CarriedTraffic
from keelway.ports.traffic import Traffic


class FrontTraffic(CarriedTraffic):
    """Hold the port by Keelway's own front."""


_check: type[Traffic] = FrontTraffic
ADAPTER = FrontTraffic
