"""A task keeps the policy that the protected base branch had at its start; a change of it there ends the task."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.app.test_config import SMALL
from tests.workflows.conftest import make_world  # noqa: F401 - the fixture of a whole world
from tests.workflows.world import BASE_FILES, plan_of

from keelway.app.config import Ceiling, load_config
from keelway.app.policy.base import Policies
from keelway.core.errors import YourFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import OWNER
from keelway.core.policy import Policy

OWN = """
[policy.plan]
auto_approve_risk = "none"
[policy.review]
auto_merge_risk = "medium"
"""
LOOSE = OWN.replace('"none"', '"medium"')


@pytest.fixture
def world(make_world, tmp_path):  # noqa: F811
    """Make a world whose base branch holds a configuration, and whose control plane read the same one."""
    found = make_world(files={**BASE_FILES, "keelway.toml": SMALL + OWN})
    (tmp_path / "keelway.toml").write_text(SMALL + OWN)
    loaded = load_config(tmp_path / "keelway.toml")
    config = replace(found.app.config, stated=loaded.stated, policy=loaded.policy)
    found.app = replace(found.app, config=config)
    found.restart()
    found.baseline()
    return found


def commit(world, text: str) -> None:
    """Let the owner put another configuration onto both branches."""
    forge = world.forge
    head = forge.history[forge.head("main")]
    made = forge.history.add((head.sha,), {**head.files, "keelway.toml": text}, "Alter the policy")
    forge.branches_at.update({"develop": made.sha, "main": made.sha})
    forge.origin_at = made.sha


def soon(world) -> None:
    """Let happen what happens within minutes."""
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=10))


def test_a_task_keeps_the_policy_of_its_start(world):
    row = world.submit()
    pin = world.app.policies.pinned(row.task.id)
    assert pin.base_sha == world.forge.head("develop")
    assert pin.policy.plan.auto_approve_risk == "none"
    soon(world)
    assert world.ledger.find(row.task.id).status is Status.PLAN_PENDING_APPROVAL
    (question,) = world.ledger.questions(task=row.task.id)
    assert question.binding.policy_digest == pin.policy.digest


def test_a_policy_that_only_the_work_tree_has_counts_for_nothing(world):
    config = world.app.config
    loose = replace(config, stated={"plan": {"auto_approve_risk": "medium"}})
    policies = Policies(
        replace(loose, policy=replace(Policy(), plan=replace(Policy().plan, auto_approve_risk="medium"))),
        world.ledger,
        world.forge,
        world.app.policies.trust,
    )
    assert policies.at_base().policy.plan.auto_approve_risk == "none"


def test_a_change_on_the_base_voids_what_was_approved(world):
    row = world.submit()
    soon(world)
    commit(world, SMALL + LOOSE)
    world.commands.approve(row.task.name, OWNER)
    world.run()
    after = world.ledger.find(row.task.id)
    assert after.status is Status.FAILED
    assert "policy" in world.told()
    codes = [
        event.event.data.get("code")
        for event in world.ledger.events(task=row.task.id, limit=10_000)
        if event.event.data.get("code")
    ]
    assert "policy_changed" in codes


def test_a_base_that_moves_under_the_same_policy_disturbs_nobody(world):
    row = world.submit()
    soon(world)
    commit(world, "# words\n" + SMALL + OWN)
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_a_base_that_loosens_a_ceiling_lets_no_task_begin(world):
    ceiling = Ceiling(None, {"review": {"auto_merge_risk": "low"}})
    own = {"review": {"auto_merge_risk": "low"}}
    config = replace(world.app.config, ceiling=ceiling, stated=own)
    policies = Policies(config, world.ledger, world.forge, world.app.policies.trust)
    config = replace(config, policy=replace(Policy(), review=replace(Policy().review, auto_merge_risk="low")))
    policies = Policies(config, world.ledger, world.forge, world.app.policies.trust)
    with pytest.raises(YourFault, match=r"keelway\.toml of develop"):
        policies.at_base()


def test_a_ceiling_that_was_lowered_holds_for_tasks_under_way(world):
    row = world.submit()
    ceiling = Ceiling(None, {"review": {"auto_merge_risk": "none"}})
    lowered = Policies(
        replace(world.app.config, ceiling=ceiling), world.ledger, world.forge, world.app.policies.trust
    )
    assert world.app.policies.of(row.task.id).review.auto_merge_risk == "medium"
    assert lowered.of(row.task.id).review.auto_merge_risk == "none"


def test_without_a_configuration_on_the_base_the_one_given_at_the_start_holds(make_world):  # noqa: F811
    world = make_world(plays={("plan", 1): plan_of()})
    row = world.submit()
    assert world.app.policies.pinned(row.task.id) is None
    assert world.app.policies.of(row.task.id) == world.policy
