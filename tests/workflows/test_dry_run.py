"""A migration meets a copy of production's data on staging, before production meets the migration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.workflows.world import PROJECT, TRUSTING

from keelway.core.migration.dry_run import DryRun
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING, MigrationCommands
from keelway.core.policy import MigrationPolicy
from keelway.ports.target import Built


@pytest.fixture
def migrating(make_world):
    def make(dry_run: str = "production", *, boots: bool = True, run: DryRun | None = None):
        commands = MigrationCommands(("up",), ("down", "{steps}"), ("status",))
        policy = replace(TRUSTING, migration=MigrationPolicy(dry_run=dry_run))
        world = make_world(policy=policy, project=replace(PROJECT, migrate=commands))
        before = world.baseline()
        world.target.behave(before, schema=1, boots=boots)
        for place in world.target.places.values():
            place.schema = 1
        build = world.target.build

        def build_newer(environment, sha, release) -> Built:
            if "two.py" in world.forge.history[sha].files:
                world.target.behave(sha, schema=2)
            return build(environment, sha, release)

        world.target.build = build_newer
        if run is not None:
            world.backup.dry_runs[PRODUCTION] = run
        return world, world.ask()

    return make


def newest(world, environment):
    return world.ledger.deployments(environment)[0]


def test_it_is_tried_on_a_copy_of_what_production_holds(migrating):
    world, row = migrating()
    assert row.status is Status.DEPLOYED
    staged = newest(world, STAGING)
    assert world.backup.tried == [(PRODUCTION, staged.release)]
    assert staged.figures["dry_run"]["rows"] == 100
    assert newest(world, PRODUCTION).figures["down_proven"] is True


def test_a_migration_that_fails_on_real_data_never_gets_to_production(migrating):
    world, row = migrating(run=DryRun(PRODUCTION, wrong="NULL in ships.name."))
    assert row.status is Status.FAILED
    assert "NULL in ships.name" in row.error
    assert world.target.places[PRODUCTION].schema == 1


@pytest.mark.parametrize(("boots", "status"), [(False, Status.FAILED), (True, Status.DEPLOYED)])
def test_a_way_down_that_loses_is_no_way_back(migrating, boots, status):
    run = DryRun(PRODUCTION, 1, 2, 100, 0.1, down_seconds=0.1, lost=("ships: other contents",))
    world, row = migrating(boots=boots, run=run)
    assert row.status is status
    if boots:
        assert newest(world, PRODUCTION).figures["down_proven"] is False


def test_the_policy_says_whose_data(migrating):
    world, row = migrating("staging")
    assert (row.status, [where for where, _ in world.backup.tried]) == (Status.DEPLOYED, [STAGING])
    world, row = migrating("off")
    assert (row.status, world.backup.tried) == (Status.DEPLOYED, [])
    assert "down_proven" not in newest(world, PRODUCTION).figures


def test_nothing_is_tried_where_nothing_migrates(make_world):
    world = make_world()
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    assert world.backup.tried == []
