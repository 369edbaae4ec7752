"""Who may say yes: one person one answer, another person for high risk, never a program."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.consent.rig import ANN, ASKING, BERT, BY_TWO, HIGH, PEOPLED, link_of, records, settle, waiting
from tests.workflows.world import plan_of

from keelway.app.consent.decide import Said
from keelway.core.errors import RequestRefused
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER, Actor
from keelway.core.policy import IntakePolicy, ReviewPolicy

pytestmark = pytest.mark.long

TWO = replace(ASKING, review=BY_TWO, intake=IntakePolicy(allowed_actors=("ann",)))


def refused(world, by: Actor, code: str, answer: str = "yes") -> None:
    """Insist that an answer is refused, changes nothing and leaves one record."""
    row = world.ledger.tasks()[0]
    before = (world.ledger.questions(), world.ledger.find(row.task.id), records(world))
    with pytest.raises(RequestRefused) as fault:
        world.commands.decide(row.task.name, Said(answer, by))
    assert fault.value.code == code
    after = (world.ledger.questions(), world.ledger.find(row.task.id), records(world))
    assert after == (*before[:2], [*before[2], code])


def test_e06_the_requester_cannot_approve_high_risk_and_another_person_still_can(make_world):
    """E06: the own yes is refused, and the question stays open for others."""
    world = make_world(policy=TWO, plays=HIGH)
    row = waiting(world)
    assert row.status is Status.PLAN_PENDING_APPROVAL
    refused(world, OWNER, "approval_own")
    world.commands.approve(row.task.name, Actor("ann"))
    assert settle(world, row).status is not Status.PLAN_PENDING_APPROVAL


def test_e06_in_single_user_mode_the_own_yes_counts_and_says_so(make_world):
    """E06, the honest twin: one person alone is not locked out, and the record names it."""
    policy = replace(TWO, review=replace(BY_TWO, single_user=True))
    world = make_world(policy=policy, plays=HIGH)
    row = waiting(world)
    answered = world.commands.approve(row.task.name, OWNER)
    assert answered.approval is not None
    assert answered.approval.own_request
    assert settle(world, row).status is not Status.PLAN_PENDING_APPROVAL


def test_e06_a_question_that_an_own_yes_closed_long_ago_opens_again(make_world):
    """E06: an installation from before had questions that nobody could answer any more."""
    world = make_world(policy=TWO, plays=HIGH)
    row = waiting(world)
    (question,) = world.ledger.questions()
    lax = world.ledger.ask(replace(question, terms=replace(question.terms, own_counts=True)))
    world.ledger.answer(lax.id, _own(lax, world))
    assert world.ledger.questions() == ()
    world.commands._wake(row)
    settle(world, row)
    assert [each.id for each in world.ledger.questions()] == [question.id]
    world.commands.approve(row.task.name, Actor("ann"))
    assert settle(world, row).status is not Status.PLAN_PENDING_APPROVAL


def _own(question, world):
    from keelway.core.rule.approval import Approval

    now, late = world.clock.now(), world.clock.now() + timedelta(days=3)
    return Approval("old", question.binding.digest, "yes", "", OWNER, now, "old", late, own_request=True)


@pytest.mark.parametrize("channel", ["system", "agent", "detector", "ci", "bot"])
def test_e06_a_program_never_approves(make_world, channel):
    world = make_world(policy=TWO)
    waiting(world)
    refused(world, Actor("owner", channel), "approval_by_machine")


@pytest.mark.parametrize(
    "pretender",
    [
        Actor("ann", "telegram"),
        Actor("owner", "telegram"),
        Actor("900", "telegram"),
        Actor("4713", "telegram"),
    ],
    ids=str,
)
def test_e05_a_display_name_is_nobody(make_world, pretender):
    """E05: only the listed account of a channel is the person."""
    world = make_world(policy=TWO, project=PEOPLED)
    waiting(world)
    refused(world, pretender, "not_allowed")


def test_e05_the_listed_account_is_the_person(make_world):
    """E05, the honest twin."""
    world = make_world(policy=TWO, project=PEOPLED)
    row = waiting(world)
    answered = world.commands.approve(row.task.name, Actor("4711", "telegram"))
    assert answered.approval is not None
    assert (answered.approval.who, str(answered.approval.by)) == ("ann", "4711@telegram")
    assert settle(world, row).status is not Status.PLAN_PENDING_APPROVAL


def test_one_person_has_one_answer_by_whatever_account(make_world):
    world = make_world(policy=TWO, project=PEOPLED, plays=HIGH)
    waiting(world)
    (question,) = world.ledger.questions()
    world.ledger.ask(replace(question, terms=replace(question.terms, groups=_two_groups())))
    world.commands.approve("T-1", link_of(ANN))
    refused(world, Actor("4711", "telegram"), "already_said")
    refused(world, link_of(ANN), "already_said", "no")
    assert not world.commands.approve("T-1", link_of(BERT)).open


def _two_groups():
    from keelway.core.consent.quorum import OwnerGroup

    return (OwnerGroup("@one", ("ann",)), OwnerGroup("@two", ("bert",)))


def test_e01_an_answer_counts_for_what_was_shown_only(make_world):
    """E01, E03: what was asked when the person looked is not what is asked now."""
    world = make_world(policy=TWO, plays={("plan", 2): plan_of(approach="Otherwise.")})
    row = waiting(world)
    (shown,) = world.ledger.questions()
    world.commands.revise(row.task.name, OWNER, "do it otherwise")
    settle(world, row)
    (waits,) = world.ledger.questions()
    assert waits.id != shown.id
    for said in (Said("yes", OWNER, question=shown.id), Said("yes", OWNER, digest=shown.binding.digest)):
        with pytest.raises(RequestRefused) as fault:
            world.commands.decide(row.task.name, said)
        assert fault.value.code == "void"
    assert records(world) == ["void", "void"]
    assert world.ledger.questions() == (waits,)
    assert not world.commands.decide(
        row.task.name, Said("yes", OWNER, digest=waits.binding.digest[7:19])
    ).open


@pytest.mark.parametrize("stage", ["planning", "review", STAGING, PRODUCTION])
def test_every_stage_has_its_switch(make_world, stage):
    """Without the switch nobody is asked; with it the task waits exactly there and goes on after a yes."""
    trusting = replace(ASKING, plan=replace(ASKING.plan, auto_approve_risk="medium"))
    policy = replace(trusting, review=ReviewPolicy(auto_merge_risk="medium", approve_stages=(stage,)))
    world = make_world(policy=policy)
    row = waiting(world)
    (question,) = world.ledger.questions()
    assert question.stage == stage
    active = world.target.places[STAGING].active
    assert (active == world.target.places[PRODUCTION].active) == (stage != PRODUCTION)
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_a_no_before_staging_takes_the_merge_back(make_world):
    policy = replace(ASKING, plan=replace(ASKING.plan, auto_approve_risk="medium"))
    policy = replace(policy, review=ReviewPolicy(auto_merge_risk="medium", approve_stages=(STAGING,)))
    world = make_world(policy=policy)
    row = waiting(world)
    assert "two.py" in world.tree("develop")
    world.commands.reject(row.task.name, OWNER)
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code) == (Status.FAILED, "approval_denied")
    assert "two.py" not in world.tree("develop")
