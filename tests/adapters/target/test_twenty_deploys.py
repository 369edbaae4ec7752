"""Twenty deploys under load: no user sees a failure, whatever carries the traffic."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.target.load import load
from tests.adapters.target.process_rig import process_rig
from tests.adapters.traffic.balancers import needed

from keelway.adapters.traffic.front import FrontTraffic
from keelway.adapters.traffic.haproxy import HaproxyTraffic
from keelway.adapters.traffic.traefik import TraefikTraffic
from keelway.clients.balance.carried import CarriedTraffic

DEPLOYS = 20
pytestmark = [pytest.mark.deploys, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("kind", [FrontTraffic, HaproxyTraffic, TraefikTraffic], ids=lambda kind: kind.kind)
def test_twenty_deploys_under_load_lose_no_request(tmp_path: Path, kind: type[CarriedTraffic]) -> None:
    with process_rig(tmp_path, needed(kind) if kind.install else kind) as rig:
        rig.patience = 30.0
        old = rig.live()
        with load(rig.project.environment("production").port, users=6) as users:
            for _ in range(DEPLOYS):
                new = rig.live()
                rig.target.retire("production", old, epoch=1)
                old = new
    assert users.wrong == []
    assert len(users.good) == DEPLOYS + 1
    assert all(count > 0 for count in users.good.values())
    print(f"\n{kind.kind}: {sum(users.good.values())} requests over {DEPLOYS} deploys, 0 failed")
