"""Lives on targets where a new release takes the place of the old one: a platform, and an operator's hands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflows.test_failures import safe
from tests.workflows.world import OWNER, PROJECT, TRUSTING

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING, MigrationCommands
from keelway.core.target.spec import ManualSpec, TargetSpec
from keelway.ports.target import Built

LETTING = replace(TRUSTING, production=replace(TRUSTING.production, on_inconclusive="pass"))


def project_with(**uses):
    environments = tuple(
        replace(
            spec,
            target=TargetSpec(
                uses.get(spec.name, "process"),
                manual=ManualSpec(confirm_seconds_max=1_800.0, back_seconds_max=1_200.0),
            ),
        )
        for spec in PROJECT.environments
    )
    return replace(PROJECT, environments=environments)


@pytest.fixture
def in_place(make_world):
    def make(use, **more):
        return make_world(project=project_with(production=use), policy=LETTING, **more)

    return make


def kinds(world, environment=PRODUCTION):
    """Return the kinds of what happened, that of other environments left out."""
    links = world.ledger.events(limit=10_000)
    return [
        link.event.kind for link in links if link.event.data.get("environment", environment) == environment
    ]


@pytest.mark.parametrize("use", ["git_pull", "platform"])
def test_a_change_gets_live_in_place(in_place, use):
    world = in_place(use)
    before = world.baseline()
    row = world.ask()
    assert row.status is Status.DEPLOYED, (row.code, row.error)
    after = world.target.places[PRODUCTION].active
    assert after != before
    assert world.ledger.deployments(PRODUCTION)[0].previous_release == before


def test_staging_in_place_rehearses_the_way_back_as_well(make_world):
    world = make_world(project=project_with(staging="git_pull", production="git_pull"), policy=LETTING)
    before = world.baseline()
    row = world.ask()
    assert row.status is Status.DEPLOYED, (row.code, row.error)
    served = [name for _, name in world.target.places[STAGING].switches]
    new = world.target.places[STAGING].active
    assert served == [before, new, before, new]


def test_a_platform_that_cannot_build_keeps_its_old_version_and_nothing_is_rolled_back(in_place):
    world = in_place("platform")
    before = world.baseline()
    world.target.lose()
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "platform_failed"), row.error
    safe(world, before)
    deployment = world.ledger.deployments(PRODUCTION)[0]
    assert (deployment.status, deployment.figures["left_alone"]) == ("failed", True)
    assert EventKind.ROLLBACK_STARTED not in kinds(world)
    assert EventKind.INCIDENT_OPENED in kinds(world)
    assert f"{before} was live all the time, so nothing was rolled back." in world.told()
    assert [name for _, name in world.target.places[PRODUCTION].switches] == [before]


def test_what_got_live_and_is_sick_is_taken_back(in_place):
    world = in_place("platform")
    before = world.baseline()
    original = world.target.build

    def build(environment, sha, release) -> Built:
        if environment == PRODUCTION and "two.py" in world.forge.history[sha].files:
            world.target.behave(sha, healthy=False)
        return original(environment, sha, release)

    world.target.build = build
    row = world.ask()
    assert row.status is Status.ROLLED_BACK, (row.code, row.error)
    safe(world, before)
    assert EventKind.ROLLBACK_FINISHED in kinds(world)


def test_nothing_is_deployed_where_nobody_can_say_what_is_live(in_place):
    world = in_place("platform")
    before = world.baseline()
    world.target.silent = "the platform does not answer"
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "target_unknown")
    assert "the platform does not answer" in world.told()
    safe(world, before)


def test_a_migration_in_place_is_taken_down_by_the_release_that_brought_it(make_world):
    project = replace(
        project_with(staging="git_pull", production="git_pull"),
        migrate=MigrationCommands(("up",), ("down", "{steps}"), ("status",)),
    )
    world = make_world(project=project, policy=LETTING)
    before = world.baseline()
    for place in world.target.places.values():
        place.schema = 1
    world.target.behave(before, schema=1)
    original = world.target.build

    def build(environment, sha, release) -> Built:
        if "two.py" in world.forge.history[sha].files:
            world.target.behave(sha, schema=2, healthy=environment == STAGING)
        return original(environment, sha, release)

    world.target.build = build
    row = world.ask()
    assert row.status is Status.ROLLED_BACK, (row.code, row.error)
    assert world.target.places[PRODUCTION].schema == 1
    safe(world, before)


def confirming(world, release=None, refused=""):
    """Let the operator do what is asked ten minutes after now."""

    def act():
        name = release or world.ledger.deployments(PRODUCTION)[0].release
        world.commands.confirm(PRODUCTION, name, OWNER, refused)

    world.engine.at(world.clock.now() + timedelta(minutes=10), act)


@pytest.fixture
def by_hand(in_place):
    world = in_place("manual")
    world.commands.deploy(STAGING, "", OWNER)
    world.run()
    confirming(world)
    world.commands.deploy(PRODUCTION, "", OWNER)
    world.run()
    assert world.target.places[PRODUCTION].active
    return world


def until_asked(world, row):
    """Let everything happen until the operator is asked for the release of a task."""
    for _ in range(200):
        world.engine.run_until_idle(world.clock.now() + timedelta(minutes=1))
        if any(entry.task == row.task.id for entry in world.ledger.deployments(PRODUCTION)):
            return
    raise AssertionError(world.ledger.find(row.task.id))


def test_an_operator_is_handed_the_release_and_says_when_it_is_live(by_hand):
    world, before = by_hand, by_hand.target.places[PRODUCTION].active
    row = world.submit()
    until_asked(world, row)
    release = world.ledger.deployments(PRODUCTION)[0].release
    assert f"keelway confirm production {release}" in world.told()
    assert "sha256sum --check SHA256SUMS" in world.told()
    confirming(world)
    world.run()
    row = world.ledger.find(row.task.id)
    assert row.status is Status.DEPLOYED, (row.code, row.error)
    assert world.target.places[PRODUCTION].active == release != before
    assert f"production serves {release}, as its operator confirmed" in world.told()


def test_an_operator_who_refuses_ends_the_task_and_nothing_is_rolled_back(by_hand):
    world, before = by_hand, by_hand.target.places[PRODUCTION].active
    row = world.submit()
    until_asked(world, row)
    confirming(world, refused="the disk is full")
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code) == (Status.FAILED, "operator_refused")
    assert "the disk is full" in world.told()
    safe(world, before)


def test_silence_of_an_operator_is_a_no(by_hand):
    world, before = by_hand, by_hand.target.places[PRODUCTION].active
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "operator_silent")
    safe(world, before)


def test_an_abort_ends_the_wait(by_hand):
    world, before = by_hand, by_hand.target.places[PRODUCTION].active
    row = world.submit()
    until_asked(world, row)
    world.commands.abort(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.ABORTED
    safe(world, before)


def test_the_way_back_by_hand_is_asked_for_and_verified(by_hand):
    world, before = by_hand, by_hand.target.places[PRODUCTION].active
    row = world.submit()
    until_asked(world, row)
    confirming(world)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED
    confirming(world, before)
    world.commands.rollback(row.task.name, OWNER)
    world.run()
    assert f"production: bring {before} BACK now" in world.told()
    assert world.target.places[PRODUCTION].active == before
    assert world.ledger.find(row.task.id).status is Status.ROLLED_BACK
    assert not world.ledger.freeze().active


def test_a_way_back_that_nobody_walks_freezes_everything_and_calls_the_owner(by_hand):
    world = by_hand
    row = world.submit()
    until_asked(world, row)
    confirming(world)
    world.run()
    world.commands.rollback(row.task.name, OWNER)
    world.run()
    assert world.ledger.freeze().active
    assert "production needs you" in world.told()
