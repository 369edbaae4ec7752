"""One feature is taken back among many, in the fast lane and through every gate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.back.lives import active, live
from tests.workflows.world import World

from keelway.core.errors import RequestRefused
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import OWNER


def undone(world: World, name: str):
    row = world.commands.back.undo_feature(name, OWNER, "users complain")
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    return world.ledger.find(row.task.id)


def test_one_feature_goes_and_what_came_later_stays(make_world):
    world = make_world()
    world.baseline()
    first, later = live(world, "two"), live(world, "three")
    row = undone(world, first.task.name)
    assert row.status is Status.PLAN_PENDING_APPROVAL
    assert row.plan["test_grants"] == ["tests/test_two.py"]
    assert row.plan["delete"] == ["tests/test_two.py", "two.py"]
    world.commands.approve(row.task.name, OWNER)
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.error) == (Status.DEPLOYED, "")
    assert row.branch.startswith("hotfix/")
    assert world.tree("main") == world.tree("develop")
    assert "two.py" not in world.tree("main")
    assert "three.py" in world.tree("main")
    assert world.ledger.find(first.task.id).status is Status.ROLLED_BACK
    assert world.ledger.find(later.task.id).status is Status.DEPLOYED
    assert active(world) == world.ledger.deployments("production")[0].release
    assert not [call for call in world.agent.seen if call.role == "recipe"]
    assert not [name for name in world.forge.branches_at if name.endswith("-undoing")]


@pytest.mark.deploys
def test_later_work_on_the_same_lines_needs_an_agent(make_world):
    world = make_world()
    world.baseline()
    first = live(world, "two")
    develop = world.forge.head("develop")
    files = {**world.forge.history[develop].files, "two.py": "two = 2\n"}
    world.forge.branches_at["develop"] = world.forge.history.add((develop,), files, "later").sha
    row = undone(world, first.task.name)
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code) == (Status.FAILED, "revert_conflict")
    assert world.ledger.find(first.task.id).status is Status.DEPLOYED


def test_only_what_is_live_can_be_undone(make_world):
    world = make_world()
    world.baseline()
    row = world.submit()
    with pytest.raises(RequestRefused) as refused:
        world.commands.back.undo_feature(row.task.name, OWNER)
    assert refused.value.code == "not_live"
