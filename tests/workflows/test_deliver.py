"""Whole lives of a task, in virtual time."""

from __future__ import annotations

from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING


def test_a_good_request_goes_live(make_world):
    world = make_world()
    before = world.baseline()
    row = world.ask()
    assert (row.status, row.error) == (Status.DEPLOYED, "")
    place = world.target.places[PRODUCTION]
    assert place.active != before
    assert world.tree("main") == world.tree("develop")
    assert "two.py" in world.tree("main")
    assert "GET /two" in world.told()
    assert world.target.places[STAGING].workers == world.target.places[STAGING].active


def test_a_release_that_fails_under_traffic_is_taken_back(make_world):
    world = make_world()
    before = world.baseline()

    def bad_in_production(environment, release, at):
        counted = world.target.traffic(environment, release, at)
        if counted and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            return counted[0], 12
        return counted

    world.signal.traffic = bad_in_production
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].active == before
    assert world.target.places[STAGING].active == before
    assert "two.py" not in world.tree("main")
    assert "two.py" not in world.tree("develop")
    assert all(entry.revert_sha for entry in world.ledger.quarantined())
    assert len(world.ledger.quarantined()) == 2
    assert "12" in world.told()


def test_a_feature_that_answers_wrongly_in_production_is_taken_back(make_world):
    """Everything else is well there, and staging answered as the plan demands."""
    world = make_world()
    before = world.baseline()
    probe = world.app.doors.probe
    well = probe.health
    address = world.project.environment(PRODUCTION).address

    def only_there(url, spec):
        wrong = (url, spec.path) == (address, "/two")
        return "GET /two answered 500, not 200" if wrong else well(url, spec)

    probe.health = only_there
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert "GET /two answered 500, not 200" in world.told()
    assert world.target.places[PRODUCTION].active == before
    assert "two.py" not in world.tree("main")
