"""Balancers of others for tests; one that is missing is skipped with the command that installs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.target.process_rig import PYTHON, project_of

from keelway.adapters.traffic.haproxy import HaproxyTraffic
from keelway.adapters.traffic.traefik import TraefikTraffic
from keelway.clients.balance.carried import CarriedTraffic
from keelway.core.errors import YourFault

KINDS: dict[str, type[CarriedTraffic]] = {"haproxy": HaproxyTraffic, "traefik": TraefikTraffic}


def needed(kind: type[CarriedTraffic]) -> type[CarriedTraffic]:
    """Return a balancer whose program is on this machine, else skip."""
    try:
        kind(project_of((1, 2)), str(Path("/nonexistent")), PYTHON).module()
    except YourFault as fault:
        pytest.skip(f"{kind.kind}: it is not on this machine; {fault.hint}")
    return kind
