"""What somebody changed by hand is seen, refused, and adopted or put back by a person."""

from __future__ import annotations

import pytest
from tests.back.lives import active, ended, live, wish

from keelway.app.back.look import DriftWatch
from keelway.app.queries import Queries
from keelway.core.errors import YourFault
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER


def seen(world, environment=PRODUCTION):
    view = Queries.of(world.app, world.engine).drift(environment)[0]
    return view.ruling, [finding.code for finding in view.findings if finding.ruling.value != "pass"]


def by_hand(world, environment=PRODUCTION):
    """Let somebody run an earlier release without telling Keelway."""
    before = active(world, environment)
    row = live(world, "two")
    after = active(world, environment)
    place = world.target.places[environment]
    place.running.add(before)
    place.weights = {before: 100}
    return row, before, after


@pytest.mark.deploys
def test_a_world_that_nobody_touched_is_as_recorded(make_world):
    world = make_world()
    assert seen(world) == ("pass", [])
    world.baseline()
    assert seen(world) == ("pass", [])
    live(world, "two")
    assert seen(world) == seen(world, STAGING) == ("pass", [])


@pytest.mark.deploys
def test_after_a_way_back_what_runs_is_as_recorded(make_world):
    world = make_world()
    before = world.baseline()
    row = live(world, "two")
    ended(world, world.commands.rollback(row.task.name, OWNER))
    assert active(world) == before
    assert seen(world) == seen(world, STAGING) == ("pass", [])
    view = next(
        each for each in Queries.of(world.app, world.engine).environments() if each.name == PRODUCTION
    )
    assert view.recorded == before


@pytest.mark.deploys
def test_a_change_by_hand_is_seen_and_nothing_is_deployed_onto_it(make_world):
    world = make_world()
    world.baseline()
    _, before, after = by_hand(world)
    assert seen(world) == ("fail", ["release_differs"])
    row = wish(world, "three")
    assert (row.status, row.code) == (Status.FAILED, "drifted")
    assert active(world) == before != after
    assert "three.py" not in world.tree("main")


def test_a_deployment_by_hand_is_refused_as_well(make_world):
    world = make_world()
    world.baseline()
    _, before, _ = by_hand(world)
    sha = world.forge.commit("main", world.forge.head("main"), {"app.py": "one = 3\n"}, "three").sha
    world.forge.origin_at = sha
    done = ended(world, world.commands.deploy(PRODUCTION, "main", OWNER))
    assert (done["ok"], "somebody changed it by hand" in done["message"]) == (False, True)
    assert active(world) == before


@pytest.mark.deploys
def test_a_person_adopts_what_runs(make_world):
    world = make_world()
    world.baseline()
    _, before, _ = by_hand(world)
    done = ended(world, world.commands.back.settle_drift(PRODUCTION, "adopt", OWNER, "it was me"))
    assert (done["ok"], done["release"]) == (True, before)
    assert seen(world) == ("pass", [])
    newest = world.ledger.deployments(PRODUCTION)[0]
    assert (newest.status, newest.release, newest.figures["adopted_by"]) == ("live", before, str(OWNER))
    assert world.ledger.lease(PRODUCTION, "somebody") is not None
    assert EventKind.DRIFT_SETTLED in [link.event.kind for link in world.ledger.events(limit=5_000)]


@pytest.mark.deploys
def test_a_person_puts_back_what_is_recorded(make_world):
    world = make_world()
    world.baseline()
    _, _, after = by_hand(world)
    done = ended(world, world.commands.back.settle_drift(PRODUCTION, "restore", OWNER))
    assert (done["ok"], active(world)) == (True, after)
    assert world.target.places[PRODUCTION].workers == after
    assert seen(world) == ("pass", [])


def test_what_cannot_be_settled_says_why(make_world):
    world = make_world()
    for how, code in (("adopt", "Nothing runs"), ("restore", "knows no release")):
        done = ended(world, world.commands.back.settle_drift(PRODUCTION, how, OWNER))
        assert (done["ok"], code in done["message"]) == (False, True)
    world.baseline()
    world.ledger.lease(PRODUCTION, "somebody")
    done = ended(world, world.commands.back.settle_drift(PRODUCTION, "adopt", OWNER))
    assert (done["ok"], "Somebody else acts" in done["message"]) == (False, True)
    with pytest.raises(YourFault):
        world.commands.back.settle_drift(PRODUCTION, "shrug", OWNER)
    with pytest.raises(YourFault):
        world.commands.back.settle_drift("moon", "adopt", OWNER)


@pytest.mark.deploys
def test_a_release_that_is_ill_is_not_put_back_in_silence(make_world):
    world = make_world()
    world.baseline()
    _, _, after = by_hand(world)
    world.target.behave(after, healthy=False)
    done = ended(world, world.commands.back.settle_drift(PRODUCTION, "restore", OWNER))
    assert not done["ok"]
    assert world.ledger.lease(PRODUCTION, "somebody") is not None


def test_new_drift_is_recorded_and_told_once(make_world):
    world = make_world()
    world.baseline()
    watch = DriftWatch(world.app, 60.0)
    assert watch.look() == 0
    by_hand(world)
    assert [watch.look() for _ in range(4)] == [0, 1, 0, 0]
    found = [link for link in world.ledger.events(limit=5_000) if link.event.kind is EventKind.DRIFT_FOUND]
    assert len(found) == 1
    assert "production was changed by hand" in world.told()
    ended(world, world.commands.back.settle_drift(PRODUCTION, "restore", OWNER))
    assert watch.look() == 0
