"""Lives in which hooks of the project take part."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.workflows.test_failures import safe
from tests.workflows.world import OWNER, PROJECT

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.target.hook import HookSpec

ALL = dict.fromkeys(("pre-deploy", "pre-switch", "post-deploy", "pre-rollback", "post-rollback"), "")


@pytest.fixture
def hooked(make_world):
    def make(**wrong):
        world = make_world(project=replace(PROJECT, hooks=HookSpec(".keelway/hooks")))
        before = world.baseline()
        world.hooks.wrong |= ALL | {name.replace("_", "-"): why for name, why in wrong.items()}
        return world, before

    return make


def called(world, environment):
    return [call.name for call in world.hooks.calls if call.facts["KEELWAY_ENVIRONMENT"] == environment]


def test_hooks_are_run_in_order_from_the_protected_commit_that_the_task_began_with(hooked):
    world, before = hooked()
    base = world.forge.head("develop")
    row = world.ask()
    assert row.status is Status.DEPLOYED, (row.code, row.error)
    for environment in (STAGING, PRODUCTION):
        assert called(world, environment) == ["pre-deploy", "pre-switch", "post-deploy"]
    assert {call.commit for call in world.hooks.calls} <= {base, world.forge.head("develop")}
    told = world.hooks.calls[-1].facts
    assert (told["KEELWAY_RELEASE"], told["KEELWAY_TASK"]) == (
        world.target.places[PRODUCTION].active,
        row.task.id,
    )
    assert before


def test_without_hooks_nobody_is_called(make_world):
    world = make_world()
    world.hooks.wrong |= ALL
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    assert world.hooks.calls == []


def test_a_hook_before_the_deployment_refuses_it(hooked):
    world, before = hooked(pre_deploy="pre-deploy ended with 7")
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "hook_failed")
    assert "pre-deploy ended with 7" in world.told()
    assert called(world, STAGING) == ["pre-deploy"]
    safe(world, before)


@pytest.mark.parametrize("moment", ["pre_switch", "post_deploy"])
def test_a_hook_after_it_has_begun_takes_the_release_back(hooked, moment):
    world, before = hooked(**{moment: "it ended with 7"})
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "hook_failed")
    assert world.target.places[STAGING].active == before
    assert called(world, STAGING)[-2:] == ["pre-rollback", "post-rollback"]
    safe(world, before)


def test_a_hook_never_holds_up_a_way_back(hooked):
    world, before = hooked(
        pre_rollback="pre-rollback took longer than 10 s", post_rollback="post-rollback failed"
    )
    row = world.ask()
    world.commands.rollback(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].active == before
    failed = [
        link.event.data["effect"]
        for link in world.ledger.events(limit=10_000)
        if link.event.kind is EventKind.EFFECT_FAILED
    ]
    assert failed[:2] == ["hook pre-rollback", "hook post-rollback"]
