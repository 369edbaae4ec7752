"""Rolling on real processes: as many instances as a share asks for, and nobody is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.load import load
from tests.adapters.target.process_rig import ProcessRig, process_rig

from keelway.core.strategy.choose import Strategy

pytestmark = [pytest.mark.deploys, pytest.mark.timeout(400)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ProcessRig]:
    with process_rig(tmp_path) as made:
        made.project = replace(made.project, strategy=Strategy("rolling", instances=4))
        made.patience = 30.0
        yield made


def instances(rig: ProcessRig, release: str) -> int:
    said = rig.target._site.supervisor.processes()
    mine = [one for one in said if one["labels"]["release"] == release and one["state"] == "running"]
    return sum(one["labels"]["process"].startswith("web") for one in mine)


def test_instances_follow_the_shares_and_no_request_is_lost(rig: ProcessRig) -> None:
    old = rig.live()
    assert instances(rig, old) == 4
    new = rig.built()
    with load(rig.project.environment("production").port) as users:
        rig.target.start("production", new, epoch=1)
        seen = []
        for share in (25, 50, 75, 100):
            shares = {new: share, old: 100 - share}
            for _ in range(2):
                rig.target.switch("production", {name: one for name, one in shares.items() if one}, epoch=1)
            seen.append((instances(rig, new), instances(rig, old)))
        assert seen == [(1, 3), (2, 2), (3, 1), (4, 1)]
        rig.target.retire("production", old, epoch=1)
    assert users.wrong == []
    assert set(users.good) == {old, new}
    state = rig.target.state("production")
    assert state.healthy
    running = {one.release: one for one in state.releases}
    assert (running[new].weight, running[new].workers) == (100, 0)
    assert running[old].state == "stopped"
    assert rig.answering() == new
