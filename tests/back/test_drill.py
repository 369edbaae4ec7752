"""Drills walk the real way back, leave everything as it was, and are demanded when the policy says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.back.lives import active, ended
from tests.workflows.world import TRUSTING

from keelway.app.control.drills import DrillClock
from keelway.app.queries import Queries
from keelway.core.errors import YourFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER
from keelway.core.release.drill import DrillSpec
from keelway.ports.backup import Backup
from keelway.ports.target import Built

DEMANDING = replace(TRUSTING, rollback=replace(TRUSTING.rollback, drill_hours_max=24.0))


def drills(world):
    return Queries.of(world.app, world.engine).drills(STAGING)[0].drills


def test_a_drill_goes_there_and_back_and_leaves_nothing(make_world):
    world = make_world()
    before = world.baseline()
    built = dict(world.target.places[STAGING].built)
    done = ended(world, world.commands.back.drill(STAGING, OWNER))
    assert done["ok"], done["message"]
    place = world.target.places[STAGING]
    assert (place.active, place.workers, place.built, place.running) == (before, before, built, {before})
    assert not [name for name in world.forge.branches_at if name.startswith("drill/")]
    assert world.target.places[PRODUCTION].active == before
    (drill,) = drills(world)
    assert [(each.kind, each.passed) for each in drill.results] == [
        ("deploy", True),
        ("rollback", True),
        ("restore", True),
    ]
    assert all(each.examined for each in drill.results)
    assert ("switch", STAGING, before) in world.target.calls
    assert world.ledger.lease(STAGING, "somebody") is not None


@pytest.mark.deploys
def test_each_drill_builds_anew(make_world):
    world = make_world()
    world.baseline()
    for _ in range(2):
        assert ended(world, world.commands.back.drill(STAGING, OWNER))["ok"]
    names = [call[2] for call in world.target.calls if call[0] == "build" and call[1] == STAGING]
    assert len(set(names)) == len(names) == 3


def test_a_way_back_that_does_not_work_fails_the_drill_and_is_told(make_world):
    world = make_world()
    before = world.baseline()
    start = world.target.start

    def ill_afterwards(environment, release, *, epoch):
        done = start(environment, release, epoch=epoch)
        if release != before:
            world.target.behave(before, healthy=False)
        return done

    world.target.start = ill_afterwards
    done = ended(world, world.commands.back.drill(STAGING, OWNER))
    assert not done["ok"]
    (drill,) = drills(world)
    assert [each.kind for each in drill.results if not each.passed] == ["rollback"]
    assert "The drill on staging failed" in world.told()


@pytest.mark.deploys
def test_a_change_that_does_not_come_up_fails_the_drill_and_nothing_else(make_world):
    world = make_world()
    before = world.baseline()
    build = world.target.build

    def ill(environment, sha, release) -> Built:
        world.target.behave(sha, healthy=False)
        return build(environment, sha, release)

    world.target.build = ill
    assert not ended(world, world.commands.back.drill(STAGING, OWNER))["ok"]
    assert active(world, STAGING) == before
    (drill,) = drills(world)
    assert [each.passed for each in drill.results] == [False, False, True]


def test_a_damaged_backup_fails_the_drill(make_world):
    world = make_world()
    world.baseline()
    take = world.backup.take

    def spoilt(environment: str, *, key: str) -> Backup | None:
        made = take(environment, key=key)
        world.backup.damaged.add(made.id)
        return made

    world.backup.take = spoilt
    done = ended(world, world.commands.back.drill(STAGING, OWNER, ("restore",)))
    assert (done["ok"], "is damaged" in done["message"]) == (False, True)


def test_data_that_nobody_keeps_needs_no_restore(make_world):
    world = make_world()
    world.backup.data.clear()
    world.baseline()
    done = ended(world, world.commands.back.drill(STAGING, OWNER, ("restore",)))
    assert (done["ok"], "no data is kept" in done["message"]) == (True, True)


def test_nothing_can_be_drilled_where_nothing_runs(make_world):
    world = make_world()
    done = ended(world, world.commands.back.drill(STAGING, OWNER, ("deploy", "rollback")))
    assert (done["ok"], "nothing runs in staging" in done["message"]) == (False, True)


@pytest.mark.parametrize(
    ("environment", "parts", "code"),
    [
        (PRODUCTION, ("deploy",), "drill_on_production"),
        ("moon", ("deploy",), "unknown_environment"),
        (STAGING, ("dance",), "unknown_part"),
        (STAGING, (), "unknown_part"),
    ],
)
def test_what_makes_no_sense_is_refused(make_world, environment, parts, code):
    world = make_world()
    with pytest.raises(YourFault) as refused:
        world.commands.back.drill(environment, OWNER, parts)
    assert refused.value.code == code


@pytest.mark.deploys
def test_a_drill_waits_for_whoever_acts_on_the_environment(make_world):
    world = make_world()
    world.baseline()
    lease = world.ledger.lease(STAGING, "somebody")
    ordered = world.commands.back.drill(STAGING, OWNER)
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=2))
    assert world.engine.result(ordered.run) is None
    world.ledger.release(lease)
    assert ended(world, ordered)["ok"]


def test_without_a_fresh_drill_a_promotion_asks_a_person(make_world):
    world = make_world(policy=DEMANDING)
    before = world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert active(world) == before
    (question,) = world.ledger.questions()
    assert (question.binding.action, "never drilled" in question.text) == ("deploy", True)
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


@pytest.mark.deploys
def test_with_a_fresh_drill_a_promotion_goes_on_alone_and_with_a_stale_one_it_does_not(make_world):
    for late, alone in ((timedelta(), True), (timedelta(hours=25), False)):
        world = make_world(policy=DEMANDING)
        world.baseline()
        assert ended(world, world.commands.back.drill(STAGING, OWNER))["ok"]
        world.clock.jump(world.clock.now() + late)
        row = world.submit()
        world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
        assert (world.ledger.find(row.task.id).status is Status.DEPLOYED) is alone
        assert bool(world.ledger.questions()) is not alone


def clock(world, **section):
    file = replace(world.app.config.file, drill=DrillSpec(**section))
    object.__setattr__(world.app.config, "file", file)
    return DrillClock(world.commands, now=world.clock.now)


def test_the_clock_begins_one_drill_in_its_time_and_none_while_frozen(make_world):
    world = make_world()
    world.baseline()
    hourly = clock(world, every_hours=1.0)
    world.ledger.set_freeze("ann", "storm")
    assert hourly.look() == ""
    world.ledger.lift_freeze("ann")
    assert hourly.look()
    assert hourly.look() == ""
    world.run()
    assert len(drills(world)) == 1
    assert drills(world)[0].by == "keelway@system"
    world.clock.jump(world.clock.now() + timedelta(hours=1))
    assert hourly.look()


def test_without_a_clock_no_drill_begins_by_itself(make_world):
    world = make_world()
    world.baseline()
    assert clock(world).look() == ""
