"""Maintenance without a model travels the same seven stages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.workflows.world import PROJECT

from keelway.app.recipe.clock import RecipeClock
from keelway.app.recipe.order import run_recipe, standings, try_out
from keelway.core.errors import RequestRefused, TheirFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.recipe import ROLE, Recipe
from keelway.core.model.task import OWNER
from keelway.ports.agent import Effort, Stop

TIDY = Recipe("tidy", run=("tidy",), title="Tidy up", kind="refactor", every_hours=24)
LIKED = replace(PROJECT, recipes=(TIDY,))


@pytest.fixture
def world(make_world):
    world = make_world(project=LIKED)
    world.baseline()
    world.text = "one = 1  # tidy\n"

    def tidies(assignment):
        assert assignment.prompt == "tidy"
        world.sandbox.files(Path(assignment.workspace).name)["app.py"] = world.text
        return Effort(Stop.COMPLETED, "")

    world.agent.plays |= {(ROLE, number): tidies for number in range(1, 12)}
    return world


def _settled(world):
    world.run()
    return world.ledger.tasks()[0]


def test_a_recipe_goes_live_without_a_model(world):
    row = run_recipe(world.commands, "tidy", OWNER)
    row = _settled(world)
    assert (row.status, row.error) == (Status.DEPLOYED, "")
    assert {seen.role for seen in world.agent.seen} == {ROLE}
    assert row.plan["modify"] == ["app.py"]
    assert world.tree("main")["app.py"] == world.text
    assert not [name for name in world.forge.branches_at if "trial" in name]
    assert standings(world.app)[0].last_status == "deployed"


def test_one_that_changes_nothing_any_more_ends_and_says_so(world):
    world.text = world.tree("develop")["app.py"]
    run_recipe(world.commands, "tidy", OWNER)
    row = _settled(world)
    assert row.status is Status.FAILED
    assert "changes nothing any more" in row.error


def test_one_that_fails_is_not_tried_ten_times(world):
    world.agent.plays[ROLE, 1] = lambda _: Effort(Stop.CRASHED, "", detail="tidy ended with 2")
    run_recipe(world.commands, "tidy", OWNER)
    row = _settled(world)
    assert row.status is Status.FAILED
    assert "tidy ended with 2" in row.error
    assert len(world.agent.seen) == 1


def test_the_clock_opens_a_task_only_for_a_change_and_once_in_its_time(world):
    clock = RecipeClock(world.commands, now=world.clock.now)
    world.text = world.tree("develop")["app.py"]
    assert clock.look() == 0
    world.text = "one = 1  # tidy\n"
    assert clock.look() == 0, "it was tried in this stretch of time already"
    assert world.ledger.tasks() == ()
    world.clock.advance(timedelta(hours=24).total_seconds())
    assert clock.look() == 1
    assert world.ledger.tasks()[0].task.request.source.value == "cron"
    assert clock.look() == 0
    said = [
        link.event.data for link in world.ledger.events(limit=1000) if link.event.key.startswith("recipe/")
    ]
    assert [data["outcome"] for data in said] == ["nothing to do", "T-1"]


def test_a_freeze_holds_the_clock(world):
    world.ledger.set_freeze("owner", "")
    assert RecipeClock(world.commands, now=world.clock.now).look() == 0
    assert world.agent.seen == []


def test_a_trial_says_what_would_change_and_leaves_nothing(world):
    trial = try_out(world.app, "tidy")
    assert (trial.files, trial.lines > 0) == (("app.py",), True)
    assert world.ledger.tasks() == ()
    assert not [name for name in world.forge.branches_at if "trial" in name]
    world.agent.plays[ROLE, 1] = lambda _: Effort(Stop.CRASHED, "", detail="no")
    with pytest.raises(TheirFault, match="no"):
        try_out(world.app, "tidy")


def test_a_second_one_is_refused_while_the_first_is_under_way(world):
    run_recipe(world.commands, "tidy", OWNER)
    with pytest.raises(RequestRefused):
        run_recipe(world.commands, "tidy", OWNER)
