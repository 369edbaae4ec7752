"""While an environment is locked nothing is deployed there, and everything can be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.back.lives import active, ended, live

from keelway.app.queries import Queries
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Actor


@pytest.mark.deploys
def test_a_task_waits_before_a_locked_production_and_goes_on(make_world):
    world = make_world()
    before = world.baseline()
    world.commands.back.lock(PRODUCTION, OWNER, "the fair")
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=8))
    assert active(world) == before
    assert world.ledger.find(row.task.id).status is Status.PROMOTING
    assert Queries.of(world.app, world.engine).status().locks[0].reason == "the fair"
    assert world.commands.back.unlock(PRODUCTION, Actor("bob")) is not None
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_a_lock_keeps_no_way_back_out(make_world):
    world = make_world()
    before = world.baseline()
    row = live(world, "two")
    for environment in (STAGING, PRODUCTION):
        world.commands.back.lock(environment, OWNER)
    assert ended(world, world.commands.rollback(row.task.name, OWNER))["ok"]
    assert active(world) == active(world, STAGING) == before
    assert len(world.ledger.locks()) == 2


@pytest.mark.deploys
def test_a_task_that_fails_under_a_lock_leaves_nothing_behind(make_world):
    world = make_world()
    before = world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(seconds=200))
    world.commands.back.lock(STAGING, OWNER)
    world.commands.back.lock(PRODUCTION, OWNER)
    world.commands.abort(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status in {Status.ABORTED, Status.ROLLED_BACK}
    assert active(world) == active(world, STAGING) == before
    assert world.tree("main") == world.tree("develop")


def test_what_makes_no_sense_is_refused(make_world):
    world = make_world()
    with pytest.raises(YourFault):
        world.commands.back.lock("moon", OWNER)
    with pytest.raises(YourFault):
        world.commands.back.lock(PRODUCTION, OWNER, hours=-1.0)
    with pytest.raises(YourFault):
        world.commands.back.lock(PRODUCTION, OWNER, "x" * 501)
    world.commands.back.lock(PRODUCTION, OWNER, hours=2.0)
    with pytest.raises(RequestRefused):
        world.commands.back.lock(PRODUCTION, Actor("bob"))
