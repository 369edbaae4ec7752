"""Lives in which something goes wrong, at every gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflows.world import BASE_FILES, BRIEF, GOOD_EDITS, OWNER, PROJECT, TRUSTING, plan_of

from keelway.core.model.event import EventKind, verify_chain
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, STAGING, MigrationCommands
from keelway.core.policy import RollbackPolicy
from keelway.ports.agent import Effort, Stop, Usage
from keelway.ports.target import Built

WEAKENED = {"tests/test_app.py": "def test_one():\n    assert True\n"}


def safe(world, before):
    assert world.target.places[PRODUCTION].active == before
    assert world.tree("main") == BASE_FILES
    assert world.tree("develop") == BASE_FILES
    assert world.sandbox._open == {}
    assert verify_chain(world.ledger.events(limit=100_000)) is None
    assert world.ledger.lease("lane:fake", "somebody") is not None


def gate_codes(world):
    judged = [
        link.event.data
        for link in world.ledger.events(limit=5000)
        if link.event.kind is EventKind.GATE_JUDGED
    ]
    return {finding["code"] for data in judged for finding in data["findings"] if finding["ruling"] != "pass"}


def test_what_the_checks_found_goes_back_to_the_agent(make_world):
    bad = {**GOOD_EDITS, "two.py": "two = 2  # fails lint\n"}
    world = make_world(plays={("dev", 1): bad, ("dev", 2): GOOD_EDITS})
    world.baseline()
    row = world.ask()
    assert (row.status, row.iterations) == (Status.DEPLOYED, 2)
    assert "lint" in world.agent.seen[-1].prompt


CHEATS = {
    "no change": ({}, "no_change"),
    "weakened test": ({**GOOD_EDITS, **WEAKENED}, "out_of_scope"),
    "no new test": ({"two.py": "two = 2\n"}, "new_tests_missing"),
    "test that proves nothing": (
        {"two.py": "two = 2\n", "tests/test_two.py": "def test_two():\n    assert True\n"},
        "new_tests_prove_nothing",
    ),
    "line that no test runs": ({**GOOD_EDITS, "two.py": "two = 2\nthree = 3  # not run\n"}, "coverage_low"),
    "breaks an old test": ({**GOOD_EDITS, "app.py": "zero = 0\n"}, "out_of_scope"),
    "forbidden path": ({**GOOD_EDITS, "keelway.toml": "x"}, "forbidden_path"),
    "secret": ({**GOOD_EDITS, "two.py": 'two = "AKIAIOSFODNN7EXAMPLF"\n'}, "secret"),
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_patch_that_does_not_hold_is_never_merged(make_world, name):
    edits, code = CHEATS[name]
    world = make_world(plays={("dev", attempt): edits for attempt in range(1, 12)})
    before = world.baseline()
    row = world.ask()
    assert row.status is Status.FAILED
    assert code in gate_codes(world), gate_codes(world)
    assert row.iterations <= 2
    safe(world, before)
    assert "keelway retry" in world.told()


def test_a_planned_weakening_of_a_test_is_caught_by_the_replay(make_world):
    edits = {**GOOD_EDITS, **WEAKENED, "app.py": "zero = 0\n"}
    plan = plan_of(modify=["app.py", "tests/test_app.py"])
    world = make_world(
        plays={("plan", 1): plan, ("plan", 2): plan, **{("dev", n): edits for n in range(1, 12)}}
    )
    before = world.baseline()
    row = world.ask()
    assert row.status is Status.FAILED
    safe(world, before)


@pytest.mark.parametrize("stop", [Stop.AUTH_ERROR, Stop.NOT_STARTED])
def test_an_agent_that_cannot_work_ends_the_task_at_once(make_world, stop):
    world = make_world(plays={("dev", 1): Effort(stop, "", detail="no key")})
    before = world.baseline()
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, f"agent_{stop.value}")
    safe(world, before)


def test_money_is_a_limit(make_world):
    world = make_world(plays={("dev", 1): Effort(Stop.COMPLETED, "", usage=Usage(cost_usd=6.0))})
    before = world.baseline()
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "approval_expired"), "nobody allowed more"
    assert "6.00 of 5.00 USD used in development" in world.told()
    safe(world, before)


@pytest.mark.parametrize(
    "answer", ["no json", '{"title": 3}', '{"title": "x", "approach": "y", "create": ["../x"]}']
)
def test_an_agent_without_a_valid_plan_is_asked_twice(make_world, answer):
    play = Effort(Stop.COMPLETED, answer)
    world = make_world(plays={("plan", 1): play, ("plan", 2): play})
    before = world.baseline()
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "no_valid_plan")
    assert len(world.agent.seen) == 2
    safe(world, before)


@pytest.mark.parametrize("behaviour", [{"healthy": False}, {"builds": False}])
def test_a_release_that_does_not_come_up_on_staging_never_gets_further(make_world, behaviour):
    world = make_world()
    before = world.baseline()
    original = world.target.build

    def build(environment, sha, release) -> Built:
        if "two.py" in world.forge.history[sha].files:
            world.target.behave(sha, **behaviour)
        return original(environment, sha, release)

    world.target.build = build
    row = world.ask()
    assert row.status is Status.FAILED
    assert world.target.places[STAGING].active == before
    safe(world, before)


def test_a_migration_that_the_old_release_bears_stays_where_it_is(make_world):
    world = make_world()
    before = world.baseline()
    world.target.behave(before, schema=1)
    for place in world.target.places.values():
        place.schema = 1
    original = world.target.build

    def build(environment, sha, release) -> Built:
        if "two.py" in world.forge.history[sha].files:
            world.target.behave(sha, schema=2)
        return original(environment, sha, release)

    world.target.build = build

    def bad_in_production(environment, release, at):
        counted = world.target.traffic(environment, release, at)
        if counted and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            return counted[0], 30
        return counted

    world.signal.traffic = bad_in_production
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert world.target.places[PRODUCTION].schema == 2, "code only: the old release runs on the new schema"
    assert world.backup.restored == []
    safe(world, before)


def test_without_any_way_back_the_environment_is_frozen_and_people_are_paged(make_world):
    world = make_world(policy=replace(TRUSTING, rollback=RollbackPolicy(restore_data="never")))
    before = world.baseline()

    def everything_breaks(environment, release, at):
        if environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            world.target.behave(before, healthy=False)
            return 100, 50
        return world.target.traffic(environment, release, at)

    world.signal.traffic = everything_breaks
    row = world.submit()
    world.run()
    row = world.ledger.find(row.task.id)
    assert row.status is Status.ROLLED_BACK
    assert world.ledger.freeze().active
    assert "needs you" in world.told()


def test_a_base_that_moves_meanwhile_is_tested_again_without_the_agent(make_world):
    world = make_world()
    world.baseline()
    moved = []

    def move_once(assignment):
        if not moved:
            moved.append(True)
            main = world.forge.head("main")
            made = world.forge.history.add((main,), {**BASE_FILES, "other.md": "x\n"}, "somebody pushed")
            world.forge.origin_at = made.sha
            world.forge.refresh()
        return GOOD_EDITS

    world.plays[("dev", 1)] = move_once
    row = world.ask()
    assert row.status is Status.DEPLOYED
    assert sum(1 for assignment in world.agent.seen if assignment.role == "dev") == 1
    assert {"two.py", "other.md"} <= set(world.tree("main"))


def two_tasks(world):
    """Let one task write two.py and the other three.py."""
    world.baseline()
    world.plays[("dev", 1)] = lambda assignment: (
        GOOD_EDITS
        if assignment.task == "T-1"
        else {
            "three.py": "three = 3\n",
            "tests/test_three.py": GOOD_EDITS["tests/test_two.py"].replace("two", "three"),
        }
    )
    world.plays[("plan", 1)] = lambda assignment: (
        plan_of()(assignment)
        if assignment.task.startswith("T-1")
        else plan_of(create=["three.py", "tests/test_three.py"], title="three")(assignment)
    )
    return world.submit("Add two please"), world.submit("Add three please")


def test_a_task_whose_base_moves_while_a_person_thinks_is_done_again(make_world):
    world = make_world(policy=BRIEF)
    first, second = two_tasks(world)
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    world.commands.approve(first.task.name, OWNER)
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(first.task.id).status is Status.DEPLOYED
    assert world.ledger.find(second.task.id).status is Status.PR_OPEN
    world.commands.approve(second.task.name, OWNER)
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    (asked,) = world.ledger.questions(task=second.task.id)
    assert asked.binding.base_sha == world.forge.head("develop"), "the yes was for another base: asked again"
    world.commands.approve(second.task.name, OWNER)
    world.run()
    assert world.ledger.find(second.task.id).status is Status.DEPLOYED
    assert {"two.py", "three.py"} <= set(world.tree("main"))


def test_tasks_travel_one_after_the_other(make_world):
    world = make_world()
    first, second = two_tasks(world)
    world.run()
    rows = [world.ledger.find(row.task.id) for row in (first, second)]
    assert [row.status for row in rows] == [Status.DEPLOYED, Status.DEPLOYED]
    assert {"two.py", "three.py"} <= set(world.tree("main"))


def test_a_channel_that_is_down_stops_nothing(make_world):
    world = make_world()
    world.notifier.down = True
    world.baseline()
    assert world.ask().status is Status.DEPLOYED


def migrating(make_world, *, boots: bool, down: bool = True, restore: str = "ask", unreadable: bool = False):
    """Make a world whose next release moves the schema and then fails under production's traffic."""
    commands = MigrationCommands(("up",), ("down", "{steps}"), ("status",))
    world = make_world(
        policy=replace(TRUSTING, rollback=RollbackPolicy(restore_data=restore)),
        project=replace(PROJECT, migrate=commands),
    )
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

    def bad_in_production(environment, release, at):
        counted = world.target.traffic(environment, release, at)
        if counted and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            active = world.target.places[PRODUCTION].active
            world.target.behave(active, schema=2, down=down)
            world.backup.data[PRODUCTION]["ships"] = 107
            world.backup.unreadable |= {PRODUCTION} if unreadable else set()
            return counted[0], 30
        return counted

    world.signal.traffic = bad_in_production
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    safe(world, before)
    return world


def test_a_schema_that_the_old_release_cannot_bear_is_taken_down_again(make_world):
    world = migrating(make_world, boots=False)
    assert world.target.places[PRODUCTION].schema == 1
    assert world.backup.restored == []
    assert not world.ledger.freeze().active


def test_a_backup_is_restored_by_policy_when_the_way_down_fails_and_the_loss_is_told(make_world):
    world = migrating(make_world, boots=False, down=False, restore="always")
    assert len(world.backup.restored) == 1
    assert world.backup.data[PRODUCTION]["ships"] == 100
    assert "7 rows" in world.told()


def test_nothing_is_restored_without_a_person_and_everything_stands_still_instead(make_world):
    world = migrating(make_world, boots=False, down=False)
    assert world.backup.restored == []
    assert world.ledger.freeze().active
    assert "needs you" in world.told()


def test_a_loss_that_cannot_be_counted_forbids_a_restore_and_stops_no_way_back(make_world):
    world = migrating(make_world, boots=False, down=False, restore="always", unreadable=True)
    assert world.backup.restored == []
    assert world.ledger.freeze().active
    assert "needs you" in world.told()
