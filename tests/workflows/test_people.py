"""Lives in which a person decides, or does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflows.world import ANN, BRIEF, GOOD_EDITS, TRUSTING, plan_of

from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.task import OWNER
from keelway.core.policy import ObservationPolicy, PlanPolicy, WatchPolicy

ASKING = replace(TRUSTING, plan=PlanPolicy(auto_approve_risk="none"))


def test_nobody_but_the_owner_may_ask(make_world):
    world = make_world()
    with pytest.raises(RequestRefused) as refused:
        world.submit(by=ANN)
    assert refused.value.exit_code == 3
    assert world.ledger.tasks() == ()
    assert [link.event.kind for link in world.ledger.events()][-1] is EventKind.TASK_REFUSED


def test_the_same_wish_is_opened_once(make_world):
    world = make_world()
    world.baseline()
    world.submit("Add  the number TWO!")
    with pytest.raises(RequestRefused) as refused:
        world.submit("add the number two")
    assert refused.value.code == "duplicate"


def test_uncommitted_work_on_the_base_refuses_and_changes_nothing(make_world):
    world = make_world()
    world.forge.origin_edits = ("app.py",)
    with pytest.raises(YourFault) as refused:
        world.submit()
    assert refused.value.code == "base_dirty"
    assert world.ledger.tasks() == ()


def test_a_plan_waits_for_its_approval_and_goes_on(make_world):
    world = make_world(policy=ASKING)
    world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    row = world.ledger.find(row.task.id)
    assert row.status is Status.PLAN_PENDING_APPROVAL
    assert "may this plan be carried out" in world.told()
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_remarks_make_a_new_plan_that_is_asked_about_again(make_world):
    world = make_world(policy=ASKING, plays={("plan", 2): plan_of(approach="Otherwise.")})
    world.baseline()
    row = world.submit()
    soon = timedelta(hours=1)
    world.engine.run_until_idle(world.clock.now() + soon)
    world.commands.revise(row.task.name, OWNER, "do it otherwise")
    world.engine.run_until_idle(world.clock.now() + soon)
    waiting = world.ledger.find(row.task.id)
    assert waiting.plan_version == 2
    assert waiting.plan is not None
    assert waiting.plan["approach"] == "Otherwise."
    assert waiting.status is Status.PLAN_PENDING_APPROVAL
    assert "do it otherwise" in world.agent.seen[-1].prompt
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


@pytest.mark.parametrize("answer", ["reject", "silence"])
def test_a_no_or_silence_ends_the_task_without_a_trace(make_world, answer):
    world = make_world(policy=ASKING)
    world.baseline()
    row = world.submit()
    if answer == "reject":
        world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
        world.commands.reject(row.task.name, OWNER, "no")
    world.run()
    row = world.ledger.find(row.task.id)
    assert row.status is Status.FAILED
    assert row.code in {"approval_denied", "approval_expired"}
    assert "two.py" not in world.tree("develop")


def test_a_merge_waits_for_a_person_by_default(make_world):
    world = make_world(policy=BRIEF)
    world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(row.task.id).status is Status.PR_OPEN
    assert "two.py" not in world.tree("develop")
    with pytest.raises(RequestRefused):
        world.commands.approve(row.task.name, ANN)
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED
    assert any("approved" in body for body in world.forge.book.comments(2))


@pytest.mark.parametrize(("answer", "end"), [("approve", Status.DEPLOYED), ("reject", Status.ROLLED_BACK)])
def test_too_little_traffic_asks_whether_to_keep_the_release(make_world, answer, end):
    world = make_world()
    before = world.baseline()
    world.signal.traffic = lambda environment, release, at: (0, 0)
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(row.task.id).status is Status.OBSERVING
    assert world.target.places[PRODUCTION].active != before
    getattr(world.commands, answer)(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is end
    assert (world.target.places[PRODUCTION].active == before) is (end is Status.ROLLED_BACK)


def test_a_paused_task_stands_still_and_goes_on(make_world):
    world = make_world()
    world.baseline()
    row = world.submit()
    world.commands.pause(row.task.name, OWNER)
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=5))
    assert world.ledger.find(row.task.id).status is Status.RESEARCH
    world.commands.resume(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_a_freeze_holds_every_effect_until_it_is_lifted(make_world):
    world = make_world()
    before = world.baseline()
    row = world.submit()
    world.engine.at(world.clock.now() + timedelta(seconds=1), lambda: world.commands.freeze(OWNER, "holiday"))
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=30))
    assert world.ledger.find(row.task.id).status not in {Status.DEPLOYED, Status.FAILED}
    assert world.target.places[PRODUCTION].active == before
    world.commands.unfreeze(OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


@pytest.mark.parametrize("seconds", [0, 1, 40, 100, 160, 250, 400])
def test_an_abort_at_any_time_leaves_the_old_state(make_world, seconds):
    world = make_world()
    before = world.baseline()
    row = world.submit()
    world.engine.at(
        world.clock.now() + timedelta(seconds=seconds), lambda: world.commands.abort(row.task.name, OWNER)
    )
    world.run()
    row = world.ledger.find(row.task.id)
    assert row.status in {Status.ABORTED, Status.ROLLED_BACK}
    assert world.target.places[PRODUCTION].active == before
    assert "two.py" not in world.tree("main")
    assert "two.py" not in world.tree("develop")


def test_a_person_takes_back_a_release_that_is_still_watched(make_world):
    world = make_world()
    before = world.baseline()
    row = world.submit()
    world.engine.at(
        world.clock.now() + timedelta(seconds=600), lambda: world.commands.rollback(row.task.name, OWNER)
    )
    world.run()
    assert world.ledger.find(row.task.id).status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].active == before


def test_a_live_task_is_taken_back_later(make_world):
    world = make_world()
    before = world.baseline()
    row = world.ask()
    ordered = world.commands.rollback(row.task.name, OWNER, reason="users complain")
    world.run()
    assert world.engine.result(ordered.run)["ok"]
    row = world.ledger.find(row.task.id)
    assert row.status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].active == before
    assert "two.py" not in world.tree("main")
    assert world.target.places[STAGING].active == before
    assert "users complain" in world.told()


def test_a_failed_task_is_tried_again_as_a_new_one(make_world):
    world = make_world(plays={("dev", 1): {}, ("dev", 2): {}})
    world.baseline()
    row = world.ask()
    assert row.status is Status.FAILED
    world.agent.plays = {
        **world.plays,
        ("plan", 2): plan_of(approach="Otherwise, with a table."),
        ("dev", 1): GOOD_EDITS,
    }
    again = world.commands.retry(row.task.name, OWNER)
    world.run()
    again = world.ledger.find(again.task.id)
    assert again.task.request.retry_of == row.task.id
    assert again.status is Status.DEPLOYED


def test_a_hotfix_takes_the_short_way(make_world):
    world = make_world()
    world.baseline()
    began = world.clock.now()
    row = world.submit(hotfix=True)
    world.engine.run_until_idle(began + timedelta(seconds=480))
    row = world.ledger.find(row.task.id)
    assert row.status is Status.DEPLOYED
    assert row.branch.startswith("hotfix/")


def test_an_anomaly_in_the_watch_alerts_and_rolls_back_only_when_armed(make_world):
    for armed, end in ((False, Status.DEPLOYED), (True, Status.ROLLED_BACK)):
        policy = replace(TRUSTING, watch=WatchPolicy(rollback_armed=armed, watch_seconds=4 * 3600.0))
        world = make_world(policy=policy)
        world.baseline()
        row = world.submit()
        world.engine.run_until_idle(world.clock.now() + timedelta(hours=2))
        assert world.ledger.find(row.task.id).status is Status.DEPLOYED
        world.target.behave(world.target.places[PRODUCTION].active, healthy=False)
        world.run()
        assert world.ledger.find(row.task.id).status is end
        assert "anomaly" in world.told()


def test_quiet_watching_ends_after_a_day(make_world):
    world = make_world(policy=replace(TRUSTING, watch=WatchPolicy()))
    world.baseline()
    began = world.clock.now()
    world.ask()
    looks = [link for link in world.ledger.events(limit=5000) if link.event.kind is EventKind.WATCH_CHECKED]
    assert len(looks) == 96
    assert world.clock.now() - began < timedelta(hours=25, minutes=30)


def test_hold_is_the_default_for_production():
    assert ObservationPolicy().on_inconclusive == "hold"


def test_a_freeze_does_not_keep_a_bad_release_in_production(make_world):
    world = make_world()
    before = world.baseline()

    def bad_while_frozen(environment, release, at):
        counted = world.target.traffic(environment, release, at)
        if counted and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            world.commands.freeze(OWNER, "holiday")
            return counted[0], 30
        return counted

    world.signal.traffic = bad_while_frozen
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.freeze().active
    assert world.ledger.find(row.task.id).status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].active == before


def test_an_answer_that_a_crash_kept_from_being_heard_is_heard_at_the_next_start(make_world):
    world = make_world(policy=ASKING)
    world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    send, world.commands.runtime.send = world.commands.runtime.send, lambda *_: None
    world.commands.approve(row.task.name, OWNER)
    world.commands.runtime.send = send
    world.engine.run_until_idle(world.clock.now() + timedelta(minutes=1))
    assert world.ledger.find(row.task.id).status is Status.PLAN_PENDING_APPROVAL
    world.commands.resubmit_unstarted()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_waking_a_story_does_not_ask_again_before_the_reminder_is_due(make_world):
    world = make_world(policy=ASKING)
    world.baseline()
    row = world.submit()
    for _ in range(3):
        world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
        world.commands.pause(row.task.name, OWNER)
        world.commands.resume(row.task.name, OWNER)
    assert world.told().count("your decision is needed") == 1
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=8))
    assert world.told().count("your decision is needed") == 2
