"""Money in whole lives: every cap bites, a person is asked for exactly so much more, and the work goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.workflows.test_stops import hasten
from tests.workflows.world import GOOD_EDITS, TRUSTING, World, plan_of

from keelway.app.view.sentence import sentence
from keelway.core.errors import TheirFault
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import OWNER
from keelway.core.model.usage import UsageEntry
from keelway.core.policy import BudgetPolicy, DevBudget, GatewayPolicy, PlanBudget, Policy
from keelway.ports.agent import Assignment, Effort, Stop, Usage

SOON = timedelta(minutes=30)
PATIENT = replace(TRUSTING.development, same_failure_max=9)
CHEAP = BudgetPolicy(dev=DevBudget(cost_usd_max=1.0))


@pytest.fixture
def make_world(make_world: Callable[..., World]) -> Callable[..., World]:
    """Make worlds that do not wait for the disk, with a baseline."""

    def make(policy: Policy = TRUSTING, **settings: Any) -> World:
        world = make_world(policy=policy, **settings)
        hasten(world)
        world.baseline()
        return world

    return make


def under(**settings: Any) -> Policy:
    return replace(TRUSTING, development=PATIENT, **settings)


def spends(usd: float, *, good: bool = True, stop: Stop = Stop.COMPLETED, tokens: int = 0) -> Any:
    """Play an agent that costs something, and does the work or leaves it half done."""

    def work(assignment: Assignment, files: Any) -> Effort:
        files.update(GOOD_EDITS)
        if not good:
            files["two.py"] = f"two = 2  # fails lint\nrun = {assignment.attempt!r}\n"
        usage = Usage(input_tokens=tokens, cost_usd=usd)
        return Effort(stop, "", usage=usage, seconds=3.0)

    return work


def playing(world: World, **roles: list[Any]) -> World:
    """Let each run of a role be the next of its plays; the last one is played again."""
    for role, plays in roles.items():
        for attempt in range(1, 12):
            world.plays[(role, attempt)] = partial(_next, world, plays)
    return world


def _next(world: World, plays: list[Any], assignment: Assignment) -> Effort:
    part = plays.pop(0) if len(plays) > 1 else plays[0]
    return part(assignment, world.sandbox.files(assignment.task)) if callable(part) else part


def until_asked(world: World) -> Any:
    world.engine.run_until_idle(world.clock.now() + SOON)
    (question,) = world.ledger.questions()
    assert question.binding.action == "spend"
    return question


def events(world: World, kind: EventKind) -> list[Any]:
    return [link.event for link in world.ledger.events(limit=100_000) if link.event.kind is kind]


def test_what_a_task_used_is_booked_by_role_and_agent(make_world):
    world = make_world()
    plan = replace(plan_of()(None), usage=Usage(1_000, 200, 0.25), agent="wise 2.1")
    playing(world, plan=[plan], dev=[spends(0.5, good=False, tokens=70), spends(1.0)])
    row = world.ask()
    assert (row.status, row.cost_usd) == (Status.DEPLOYED, pytest.approx(1.75))
    booked = world.ledger.usage(task=row.task.name, by=("role", "agent"))
    assert [(each.role, each.agent, each.runs, each.cost_usd) for each in booked] == [
        ("dev", "fake", 2, pytest.approx(1.5)),
        ("plan", "wise", 1, pytest.approx(0.25)),
    ]
    assert (booked[1].input_tokens, booked[1].output_tokens) == (1_000, 200)
    assert sum(each.cost_usd for each in world.ledger.usage()) == row.cost_usd


def test_what_was_metered_counts_and_what_was_reported_is_kept_beside_it(make_world):
    world = make_world()

    def metered(assignment: Assignment, files: Any) -> Effort:
        files.update(GOOD_EDITS)
        task, at = assignment.task, world.clock.now()
        world.ledger.book_usage(UsageEntry("request 1", task, "dev", 1, at, agent="codex", cost_usd=0.75))
        return Effort(Stop.COMPLETED, "", usage=Usage(cost_usd=0.6), metered=Usage(cost_usd=0.75))

    playing(world, dev=[metered])
    row = world.ask()
    assert row.cost_usd == 0.75
    (total,) = world.ledger.usage(task=row.task.id, by=())
    assert (total.cost_usd, total.metered_usd, total.reported_usd) == (0.75, 0.75, 0.6)
    assert [
        event.stage for event in events(world, EventKind.AGENT_FINISHED) if event.data["cost_usd"] == 0.75
    ] == ["development"]
    assert {event.data["stage"] for event in events(world, EventKind.USAGE_BOOKED)} == {
        "planning",
        "development",
    }


def test_the_budget_of_a_stage_bites_and_a_yes_lets_it_go_on_where_it_was(make_world):
    world = make_world(under(budget=CHEAP))
    playing(world, dev=[spends(0.6, good=False), spends(0.6, good=False), spends(0.1)])
    row = world.submit()
    question = until_asked(world)
    text = question.text
    assert "1.20 of 1.00 USD used in development" in text
    assert "0.50 USD more in development" in text
    assert "policy.budget.dev.cost_usd_max" in text
    assert text in world.told()
    waiting = world.ledger.find(row.task.id)
    assert (waiting.status, waiting.iterations) == (Status.DEVELOPING, 2)
    files = dict(world.sandbox.files(row.task.name))
    world.commands.approve(row.task.name, OWNER)
    world.engine.run_until_idle(world.clock.now() + timedelta(seconds=2))
    assert [(each.role, each.attempt) for each in world.agent.seen] == [
        ("plan", 1),
        *(("dev", n) for n in (1, 2, 3)),
    ]
    last = world.agent.seen[-1]
    assert "two.py" in files, "the workspace is still there"
    assert "lint" in last.prompt, "what the checks found is still known"
    assert last.limits.cost_usd_max == pytest.approx(0.5)
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.iterations, row.cost_usd) == (Status.DEPLOYED, 3, pytest.approx(1.3))
    (raised,) = events(world, EventKind.BUDGET_RAISED)
    assert (raised.data["raise"], raised.data["by"]) == (
        {"cap": "stage", "scope": "development", "until": pytest.approx(1.7)},
        "owner@cli",
    )
    told = [sentence(link.event) for link in world.ledger.events(task=row.task.id, limit=100_000)]
    assert "cap reached: 1.20 of 1.00 USD used in development" in told
    assert "owner@cli allows 0.50 USD more, after 1.20 of 1.00 USD used in development" in told
    booked = [sentence(event) for event in events(world, EventKind.USAGE_BOOKED)]
    assert "fake as dev: 0 tokens, 0.60 USD reported" in booked


def test_each_further_bite_is_a_question_of_its_own(make_world):
    world = make_world(under(budget=CHEAP))
    playing(world, dev=[spends(1.1, good=False), spends(0.7, good=False), spends(0.1)])
    row = world.submit()
    first = until_asked(world)
    world.commands.approve(row.task.name, OWNER)
    second = until_asked(world)
    assert second.id != first.id
    assert "1.80 of 1.60 USD used in development" in second.text
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_reminders_tell_again_and_record_nothing_twice(make_world):
    world = make_world(under(budget=CHEAP))
    playing(world, dev=[spends(1.5, good=False)])
    world.submit()
    until_asked(world)
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=30))
    assert len(events(world, EventKind.BUDGET_SPENT)) == 1
    assert world.told().count("1.50 of 1.00 USD used in development") > 3


@pytest.mark.parametrize("answer", ["reject", "silence"])
def test_a_no_or_silence_closes_the_task(make_world, answer):
    world = make_world(under(budget=CHEAP))
    playing(world, dev=[spends(1.5, good=False)])
    row = world.submit()
    until_asked(world)
    if answer == "reject":
        world.commands.reject(row.task.name, OWNER, "too dear")
    world.run()
    row = world.ledger.find(row.task.id)
    code, why = ("budget_denied", "too dear") if answer == "reject" else ("approval_expired", "Nobody")
    assert (row.status, row.code, row.iterations) == (Status.FAILED, code, 1)
    assert why in row.error
    assert world.ledger.questions() == ()
    assert events(world, EventKind.BUDGET_RAISED) == []
    assert "two.py" not in world.tree("develop")


def test_a_patch_that_is_good_needs_no_more_money(make_world):
    world = make_world(under(budget=CHEAP))
    playing(world, dev=[spends(7.0, stop=Stop.LIMIT_COST)])
    assert world.ask().status is Status.DEPLOYED


def test_a_run_cut_in_the_middle_asks_at_once_and_does_not_count_against_the_agent(make_world):
    development = replace(TRUSTING.development, iterations_max=1)
    world = make_world(replace(TRUSTING, development=development, budget=CHEAP))
    playing(world, dev=[spends(0.95, good=False, stop=Stop.LIMIT_COST), spends(0.1)])
    row = world.submit()
    assert "0.95 of 1.00 USD used in development" in until_asked(world).text
    world.commands.approve(row.task.name, OWNER)
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code) == (Status.DEPLOYED, "")
    assert [each.attempt for each in world.agent.seen if each.role == "dev"] == [1, 1]


def test_planning_is_paid_from_its_own_budget_and_asks_too(make_world):
    world = make_world(
        replace(TRUSTING, budget=BudgetPolicy(plan=PlanBudget(attempts_max=2, cost_usd_max=1.0)))
    )
    bad = Effort(Stop.LIMIT_COST, "half a pl", usage=Usage(cost_usd=1.5))
    playing(world, plan=[bad, replace(bad, stop=Stop.COMPLETED), plan_of()(None)])
    row = world.submit()
    assert "1.50 of 1.00 USD used in planning" in until_asked(world).text
    assert world.ledger.find(row.task.id).status is Status.PLANNING
    world.commands.approve(row.task.name, OWNER)
    assert "3.00 of 2.00 USD used in planning" in until_asked(world).text, "no plan, and its money is spent"
    world.commands.approve(row.task.name, OWNER)
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.cost_usd) == (Status.DEPLOYED, 3.0)
    assert "no JSON" in world.agent.seen[2].prompt or "plan" in world.agent.seen[2].prompt
    assert row.task.name + "-plan" not in world.sandbox._open


def test_the_cap_of_a_task_counts_all_roles(make_world):
    world = make_world(under(budget=BudgetPolicy(task_cost_usd_max=2.0)))
    plan = replace(plan_of()(None), usage=Usage(cost_usd=0.5))
    playing(world, plan=[plan], dev=[spends(1.75, good=False), spends(0.1)])
    row = world.submit()
    assert "2.25 of 2.00 USD used by the task" in until_asked(world).text
    assert [round(each.limits.cost_usd_max, 2) for each in world.agent.seen] == [1.0, 1.5]
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_the_cap_on_tokens_asks_for_tokens(make_world):
    world = make_world(under(budget=BudgetPolicy(task_tokens_max=10_000)))
    cut = spends(0.0, good=False, stop=Stop.LIMIT_TOKENS, tokens=9_800)
    playing(world, dev=[spends(0.0, good=False, stop=Stop.LIMIT_TOKENS, tokens=100), cut, spends(0.0)])
    row = world.submit()
    text = until_asked(world).text
    assert "9,900 of 10,000 tokens" in text
    assert "5,000 tokens more" in text
    assert [each.limits.tokens_max for each in world.agent.seen] == [10_000, 10_000, 9_900]
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED
    assert world.agent.seen[-1].limits.tokens_max == 5_000


def test_the_cap_of_a_day_lets_a_task_go_on_tomorrow_by_itself(make_world):
    world = make_world(under(gateway=GatewayPolicy(day_usd_max=2.0)))
    playing(world, dev=[spends(2.5, good=False), spends(0.1)])
    row = world.submit()
    question = until_asked(world)
    assert "2.50 of 2.00 USD used by all tasks on 2026-01-05" in question.text
    assert "When the day is over" in question.text
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.iterations) == (Status.DEPLOYED, 2)
    assert events(world, EventKind.BUDGET_RAISED) == []
    assert world.ledger.questions() == (), "the question is withdrawn"
    runs = events(world, EventKind.AGENT_FINISHED)
    assert [event.at.day for event in runs] == [5, 5, 6]


def test_a_yes_for_the_day_counts_for_this_task_only(make_world):
    world = make_world(under(gateway=GatewayPolicy(day_usd_max=2.0)))
    playing(world, dev=[spends(2.5, good=False), spends(0.1)])
    first = world.submit()
    until_asked(world)
    world.commands.approve(first.task.name, OWNER)
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=2))
    assert world.ledger.find(first.task.id).status is Status.DEPLOYED
    second = world.submit("Add the number three")
    question = until_asked(world)
    assert question.task == second.task.id


def test_the_cap_of_the_project_bites_every_task(make_world):
    world = make_world(under(gateway=GatewayPolicy(project_usd_max=3.0)))
    world.ledger.book_usage(UsageEntry("earlier", "", "dev", 1, world.clock.now(), cost_usd=3.5))
    row = world.submit()
    assert "3.50 of 3.00 USD used by all tasks of the project" in until_asked(world).text
    assert world.agent.seen == [], "it bites before the first run"
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_two_caps_at_once_are_one_question(make_world):
    world = make_world(under(budget=replace(CHEAP, task_cost_usd_max=1.2)))
    playing(world, dev=[spends(1.3, good=False), spends(0.1)])
    row = world.submit()
    text = until_asked(world).text
    assert "0.50 USD more in development and 0.60 USD more in all" in text
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED
    assert len(events(world, EventKind.BUDGET_RAISED)) == 2


def test_where_nobody_may_allow_more_the_task_ends(make_world):
    world = make_world(under(budget=replace(CHEAP, extra_share=0.0)))
    playing(world, dev=[spends(1.3, good=False)])
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "budget_spent")
    assert "1.30 of 1.00 USD used in development" in row.error


def test_a_moved_base_does_not_undo_what_others_did_while_the_task_waited(make_world):
    world = make_world(under(budget=CHEAP))
    playing(world, dev=[spends(1.5, good=False), spends(0.1)])
    row = world.submit()
    until_asked(world)
    forge = world.forge
    head = forge.head("develop")
    files = {**forge.history[head].files, "other.py": "other = 1\n"}
    world.forge.commit("develop", head, files, "chore: meanwhile")
    world.commands.approve(row.task.name, OWNER)
    world.run()
    row = world.ledger.find(row.task.id)
    assert row.status is Status.DEPLOYED
    assert {"two.py", "other.py"} <= world.tree("develop").keys()


def test_what_agents_said_is_kept_and_a_full_store_stops_nothing(make_world):
    world = make_world()
    row = world.ask()
    kept = {each["name"]: each["reference"] for each in world.ledger.artefacts(row.task.id)}
    assert set(kept) >= {"plan-1/transcript.jsonl", "dev-1/transcript.jsonl", "patch.diff"}
    assert "Role: dev" in world.ledger.artefact(kept["dev-1/transcript.jsonl"])
    poor = make_world()
    real = poor.ledger.save_artefact

    def full(task: str, name: str, *rest: Any, **more: Any) -> str:
        if name.endswith(".jsonl"):
            raise TheirFault("disk_full", "there is no room")
        return real(task, name, *rest, **more)

    poor.ledger.save_artefact = full
    assert poor.ask().status is Status.DEPLOYED
    failed = [event.data["effect"] for event in events(poor, EventKind.EFFECT_FAILED)]
    assert failed == ["keep plan-1", "keep dev-1"]
