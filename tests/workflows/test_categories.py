"""What never deploys alone waits before production, and what hides errors or opens access waits before its merge."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.workflows.world import BASE_FILES, DONE, GOOD_EDITS, plan_of

from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import OWNER

MIGRATION = "migrations/0002_two.sql"
SOON = timedelta(hours=2)


@pytest.fixture
def migrating(make_world):
    """Make a world in which a planned migration is of medium risk, which merges alone."""
    edits = {**GOOD_EDITS, MIGRATION: "alter table numbers add column two integer;\n"}
    plan = plan_of(create=[*edits], migrations=[MIGRATION])
    world = make_world(plays={("plan", 1): plan, ("dev", 1): edits})
    world.before = world.baseline()
    world.row = world.submit()
    world.engine.run_until_idle(world.clock.now() + SOON)
    if world.ledger.find(world.row.task.id).status is Status.PLAN_PENDING_APPROVAL:
        world.commands.approve(world.row.task.name, OWNER)
        world.engine.run_until_idle(world.clock.now() + SOON)
    return world


def test_a_migration_waits_although_its_merge_was_automatic(migrating):
    world = migrating
    (question,) = world.ledger.questions(task=world.row.task.id)
    assert (question.binding.action, question.binding.environment) == ("deploy", PRODUCTION)
    assert "schema" in question.text
    assert world.target.places[PRODUCTION].active == world.before
    world.commands.approve(world.row.task.name, OWNER)
    world.run()
    assert world.ledger.find(world.row.task.id).status is DONE


def test_a_no_takes_the_merge_back_and_production_never_saw_it(migrating):
    world = migrating
    world.commands.reject(world.row.task.name, OWNER)
    world.run()
    assert world.ledger.find(world.row.task.id).status is not DONE
    assert world.target.places[PRODUCTION].active == world.before
    assert MIGRATION not in world.tree("develop")


def test_swallowed_errors_wait_for_a_person_before_the_merge(make_world):
    swallowed = {"two.py": "try:\n    two = int('2')\nexcept Exception:\n    pass\n"}
    world = make_world(plays={("dev", 1): {**GOOD_EDITS, **swallowed}})
    world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + SOON)
    (question,) = world.ledger.questions(task=row.task.id)
    assert question.binding.action == "merge"
    assert "Errors are swallowed: two.py:3" in question.text
    assert world.tree("develop") == BASE_FILES


def test_the_honest_twin_asks_nobody(make_world):
    careful = {"two.py": "try:\n    two = int('2')\nexcept ValueError:\n    two = 0\n"}
    world = make_world(plays={("dev", 1): {**GOOD_EDITS, **careful}})
    world.baseline()
    assert world.ask().status is DONE
