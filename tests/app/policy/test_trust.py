"""A new set-up of the agent begins with a person beside it, and the record of each task says which it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflows.conftest import make_world  # noqa: F401 - the fixture of a whole world
from tests.workflows.world import DONE, TRUSTING

from keelway.app.policy.setup import setup_of
from keelway.core.autonomy.ladder import Step
from keelway.core.model.task import OWNER
from keelway.core.policy import AutonomyPolicy

LADDER = replace(TRUSTING, autonomy=AutonomyPolicy(asked_first=1, low_first=1))


@pytest.fixture
def world(make_world):  # noqa: F811
    found = make_world(policy=LADDER)
    found.baseline()
    return found


def live(world, text: str):
    """Let a request go live, answering what is asked; return the row and what was asked."""
    row, asked = world.submit(text), []
    for _ in range(4):
        world.engine.run_until_idle(world.clock.now() + timedelta(hours=2))
        for question in world.ledger.questions(task=row.task.id):
            asked.append(question.binding.action)
            world.commands.approve(row.task.name, OWNER)
    return world.ledger.find(row.task.id), asked


def standing(world):
    return world.app.policies.trust.standing(LADDER)


def test_the_first_task_asks_about_everything_and_the_next_ones_less(world):
    assert standing(world).step is Step.ASKED
    row, asked = live(world, "Add the number two")
    assert (row.status, asked) == (DONE, ["plan", "merge"])
    kept = json.loads(world.ledger.state(f"setup:{row.task.id}"))
    assert kept == {"digest": setup_of(world.app.config).digest, "step": "asked"}
    assert standing(world).step is Step.LOW
    world.ledger.amend(row.task.id, rollback_by="")
    assert world.app.policies.of(row.task.id).review.auto_merge_risk == "none", "what it began with it keeps"


def test_a_release_that_was_taken_back_costs_a_step(world):
    row, _ = live(world, "Add the number two")
    world.commands.rollback(row.task.name, OWNER, reason="users complain")
    world.run()
    assert standing(world).step is Step.ASKED
    assert standing(world).falls == 1


def test_another_model_is_another_set_up(world):
    live(world, "Add the number two")
    file = world.app.config.file
    other = replace(world.app.config, file=replace(file, agent=replace(file.agent, model="another")))
    trust = replace(world.app.policies.trust, config=other)
    assert trust.setup.digest != world.app.policies.trust.setup.digest
    assert trust.standing(LADDER).step is Step.ASKED


def test_without_a_ladder_nothing_is_taken_away_and_the_set_up_is_still_recorded(make_world):  # noqa: F811
    world = make_world()
    world.baseline()
    row = world.ask()
    assert row.status is DONE
    assert json.loads(world.ledger.state(f"setup:{row.task.id}"))["step"] == "policy"
    assert world.app.policies.of(row.task.id) == world.policy
