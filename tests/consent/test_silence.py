"""What silence means: no, waiting, or a wider circle and then no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.consent.rig import ANN, ASKING, PEOPLED, link_of, records, waiting

from keelway.core.errors import RequestRefused
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.policy import DAY_SECONDS

DAY = timedelta(days=1)


def under(expiry: str):
    """Return a policy that asks about each plan, and what silence means then."""
    review = replace(
        ASKING.review, approval_expiry=expiry, escalate_to=("ann",), escalation_seconds_max=2 * DAY_SECONDS
    )
    return replace(ASKING, review=review)


def test_deny(make_world):
    world = make_world(policy=under("deny"))
    row = waiting(world)
    world.engine.run_until_idle(world.clock.now() + 2.5 * DAY)
    assert world.ledger.find(row.task.id).status is Status.PLAN_PENDING_APPROVAL
    world.engine.run_until_idle(world.clock.now() + 1 * DAY)
    assert world.ledger.find(row.task.id).code == "approval_expired"


def test_wait(make_world):
    world = make_world(policy=under("wait"))
    row = waiting(world)
    world.engine.run_until_idle(world.clock.now() + 9 * DAY)
    assert world.ledger.find(row.task.id).status is Status.PLAN_PENDING_APPROVAL
    assert world.told().count("your decision is needed") == 28


def test_escalate_then_deny(make_world):
    world = make_world(policy=under("escalate"), project=PEOPLED)
    row = waiting(world)
    with pytest.raises(RequestRefused) as early:
        world.commands.approve(row.task.name, link_of(ANN))
    assert (early.value.code, records(world)) == ("not_allowed", ["not_allowed"])
    world.engine.run_until_idle(world.clock.now() + 3.5 * DAY)
    urgent = [message for message in world.notifier.messages if message.urgent]
    assert urgent[0].to.startswith("ann@")
    assert len(records(world, EventKind.QUESTION_ESCALATED)) == 1
    assert world.ledger.find(row.task.id).status is Status.PLAN_PENDING_APPROVAL
    world.engine.run_until_idle(world.clock.now() + 2 * DAY)
    assert world.ledger.find(row.task.id).code == "approval_expired"


def test_the_wider_circle_may_answer_once_it_is_asked(make_world):
    world = make_world(policy=under("escalate"), project=PEOPLED)
    row = waiting(world)
    world.engine.run_until_idle(world.clock.now() + 3.5 * DAY)
    world.commands.approve(row.task.name, link_of(ANN))
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED
