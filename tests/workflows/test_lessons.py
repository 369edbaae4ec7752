"""What tasks teach when they end, and what the next ones do with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.workflows.world import GOOD_EDITS, OWNER, TRUSTING, plan_of

from keelway.app.view.sentence import sentence
from keelway.core.errors import YourFault
from keelway.core.lesson.signature import problem_of
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.package.package import Ecosystem
from keelway.core.policy import PlanPolicy
from keelway.ports.agent import Effort, Stop
from keelway.testing.fakes.index import Release

LINT_FAILS = {**GOOD_EDITS, "two.py": "two = 2  # fails lint\n"}


def taught(world, task="T-1"):
    lessons = sorted(world.ledger.lessons(task=task), key=lambda lesson: lesson.number)
    return [(lesson.kind.value, lesson.outcome.value) for lesson in lessons]


def told(world, role, attempt=-1):
    prompts = [each.prompt for each in world.agent.seen if each.role == role]
    return prompts[attempt]


def until(world, status):
    while world.ledger.find("T-1").status is not status:
        world.engine.run_until_idle(world.engine._events[0][0])


def busy(world, errors):
    before, quiet = world.target.places[PRODUCTION].active, world.target.traffic

    def traffic(environment, release, at):
        counted = quiet(environment, release, at)
        bad = environment == PRODUCTION and world.target.places[PRODUCTION].active != before
        return counted and (2_000, errors if bad else 0)

    world.signal.traffic = traffic


def test_a_task_that_goes_live_teaches_its_approach_and_what_cured_its_failure(make_world):
    world = make_world(
        plays={
            ("plan", 1): plan_of(dependencies=["pypi:norgul"]),
            ("plan", 2): plan_of(dependencies=["pypi:slixmpp"], approach="pypi:slixmpp keeps the numbers."),
            ("dev", 1): LINT_FAILS,
            ("dev", 2): GOOD_EDITS,
        },
        policy=replace(TRUSTING, plan=PlanPolicy(auto_approve_risk="medium")),
    )
    world.index.publish(Ecosystem.PYPI, "slixmpp", Release("1.8", datetime(2015, 1, 1, tzinfo=UTC)))
    world.baseline()
    world.submit()
    for _ in range(10):
        world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
        if world.ledger.questions():
            world.commands.approve("T-1", OWNER)
    world.run()
    row = world.ledger.find("T-1")
    assert row.status is Status.DEPLOYED
    assert taught(world) == [
        ("approach", "worked"),
        ("library", "worked"),
        ("library", "failed"),
        ("fix", "worked"),
        ("failure", "failed"),
    ]
    approach, slixmpp, norgul, fix, failure = sorted(world.ledger.lessons(), key=lambda each: each.number)
    assert approach.signature == problem_of(row.task.request)
    assert (slixmpp.title, norgul.title) == ("pypi:slixmpp", "pypi:norgul")
    assert "Why: pypi:slixmpp keeps the numbers." in slixmpp.text
    assert "MIT, since 2015-01-01" in slixmpp.text
    assert "has no package norgul" in norgul.text
    assert fix.signature == failure.signature
    assert fix.signature.startswith("check_failed:")
    assert fix.strategy.content != failure.strategy.content != ""
    assert "Add the number two" in approach.text


def test_a_release_that_is_taken_back_teaches_that_it_failed(make_world):
    world = make_world()
    world.baseline()
    busy(world, 240)
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert taught(world) == [("approach", "failed"), ("failure", "failed")]
    assert row.code in world.ledger.lessons("failed")[-1].text + world.ledger.lessons("failed")[0].text


def test_what_is_taken_back_later_does_not_count_as_having_worked(make_world):
    world = make_world()
    world.baseline()
    row = world.ask()
    assert taught(world) == [("approach", "worked")]
    world.commands.rollback(row.task.name, OWNER, reason="users complain")
    world.run()
    assert taught(world) == [("approach", "rejected")]
    assert "users complain" in world.ledger.lessons()[0].text


def test_the_watch_that_takes_back_teaches_a_failure(make_world):
    watch = replace(TRUSTING.watch, rollback_armed=True)
    world = make_world(policy=replace(TRUSTING, watch=watch))
    world.baseline()
    world.submit()
    until(world, Status.DEPLOYED)
    world.target.behave(world.target.places[PRODUCTION].active, healthy=False)
    world.run()
    assert world.ledger.find("T-1").status is Status.ROLLED_BACK
    assert taught(world) == [("approach", "failed"), ("failure", "failed")]


def test_an_agent_that_cannot_work_teaches_nothing(make_world):
    world = make_world(plays={("dev", 1): Effort(Stop.AUTH_ERROR, "", detail="no key")})
    world.baseline()
    assert world.ask().status is Status.FAILED
    assert taught(world) == []


def test_a_plan_that_a_person_sends_back_is_taught(make_world):
    asking = replace(TRUSTING, plan=PlanPolicy(auto_approve_risk="none"))
    world = make_world(
        policy=asking, plays={("plan", 2): plan_of(approach="Use a table of numbers instead.")}
    )
    world.baseline()
    world.submit()
    world.engine.run_until_idle(world.clock.now())
    world.commands.revise("T-1", OWNER, "use a table")
    world.engine.run_until_idle(world.clock.now())
    world.commands.reject("T-1", OWNER, "not now")
    world.run()
    assert taught(world) == [("approach", "rejected"), ("approach", "rejected")]
    texts = " ".join(lesson.text for lesson in world.ledger.lessons())
    assert "use a table" in texts
    assert "not now" in texts


def test_lessons_that_cannot_be_kept_keep_nothing_from_being_closed(make_world):
    world = make_world()
    world.baseline()
    world.submit()
    until(world, Status.OBSERVING)
    with world.database.connect() as connection, connection.begin():
        connection.exec_driver_sql("DROP TABLE keel_lessons_index")
        connection.exec_driver_sql("DROP VIEW agent_lessons")
        connection.exec_driver_sql("ALTER TABLE keel_lessons RENAME TO elsewhere")
    world.run()
    assert world.ledger.find("T-1").status is Status.DEPLOYED
    assert "is live" in world.told()
    failures = [
        link.event.data
        for link in world.ledger.events(limit=5_000)
        if link.event.kind is EventKind.EFFECT_FAILED
    ]
    assert [data["effect"] for data in failures] == ["lessons"]


WRONG = {**GOOD_EDITS, "two.py": "two = 2\n# fails lint\n"}
"""Another patch that fails in the same way."""


def gates(world, task, name="quality"):
    task_id = world.ledger.find(task).task.id
    events = [link.event for link in world.ledger.events(task=task_id, limit=5_000)]
    judged = [event.data for event in events if event.kind is EventKind.GATE_JUDGED]
    return [
        [finding["code"] for finding in data["findings"] if finding["ruling"] == "fail"]
        for data in judged
        if data["gate"] == name
    ]


def checked(world, task):
    task_id = world.ledger.find(task).task.id
    return [job for job in world.app.doors.ci.jobs if job.task == task_id and job.purpose == "head"]


def failed_task(make_world, **plays):
    """Let T-1 fail the lint twice, each time in another way."""
    world = make_world(plays={("dev", 1): LINT_FAILS, ("dev", 2): WRONG, **plays.pop("plays", {})}, **plays)
    world.baseline()
    assert world.ask("Add two").code == "same_failure_again"
    world.agent.plays = {**world.agent.plays, ("plan", 2): plan_of(), ("dev", 1): GOOD_EDITS}
    return world


def test_what_failed_for_this_failure_is_told_and_not_tried_again(make_world):
    world = failed_task(make_world)
    other = {**GOOD_EDITS, "two.py": "two = 1 + 1  # fails lint\n"}
    world.agent.plays = {
        **world.agent.plays,
        ("plan", 1): plan_of(title="Two"),
        ("dev", 1): other,
        ("dev", 2): WRONG,
        ("dev", 3): GOOD_EDITS,
    }
    row = world.ask("Add the second number, please")
    assert (row.status, row.iterations) == (Status.DEPLOYED, 3)
    assert "from T-1, " in told(world, "dev", -2)
    assert "failure that failed: quality gate, check_failed" in told(world, "dev", -2)
    assert "This is what T-1 tried on 2026-01-05, and it failed" in told(world, "dev")
    first, second, third = gates(world, "T-2")
    assert (second[0], third) == ("failed_before", [])
    assert set(first) <= set(second)
    assert len(checked(world, "T-2")) == 2


def test_insisting_on_what_failed_ends_the_task(make_world):
    world = failed_task(make_world)
    other = {**GOOD_EDITS, "two.py": "two = 1 + 1  # fails lint\n"}
    insists = {("dev", attempt): WRONG for attempt in range(2, 12)}
    world.agent.plays = {**world.agent.plays, ("plan", 1): plan_of(title="Two"), ("dev", 1): other, **insists}
    row = world.ask("Add the second number, please")
    assert (row.status, row.code, row.iterations) == (Status.FAILED, "same_failure_again", 3)
    assert "This is what T-1 tried" in row.error
    assert len(checked(world, "T-2")) == 1


def test_a_patch_that_failed_elsewhere_with_another_failure_is_tried(make_world):
    world = failed_task(make_world)
    world.agent.plays = {
        **world.agent.plays,
        ("plan", 1): plan_of(title="Two"),
        ("dev", 1): WRONG,
        ("dev", 2): GOOD_EDITS,
    }
    row = world.ask("Add the second number, please")
    assert (row.status, row.iterations) == (Status.DEPLOYED, 2)


def test_the_same_files_again_are_not_checked_again(make_world):
    world = make_world(plays={("dev", 1): LINT_FAILS, ("dev", 2): LINT_FAILS})
    world.baseline()
    row = world.ask()
    assert (row.code, row.iterations) == ("same_failure_again", 2)
    assert "The files are those of try 1" in row.error
    assert len(checked(world, "T-1")) == 1


def test_going_back_and_forth_costs_no_checks(make_world):
    untested = {**GOOD_EDITS, "two.py": "two = 2\nthree = 3  # not run\n"}
    plays = {("dev", 1): LINT_FAILS, ("dev", 2): untested, ("dev", 3): LINT_FAILS, ("dev", 4): GOOD_EDITS}
    world = make_world(plays=plays)
    world.baseline()
    row = world.ask()
    assert (row.status, row.iterations) == (Status.DEPLOYED, 4)
    assert [codes[:1] for codes in gates(world, "T-1")][2] == ["failed_before"]
    assert len(checked(world, "T-1")) == 3


def test_what_worked_for_this_failure_is_told(make_world):
    world = make_world(plays={("dev", 1): LINT_FAILS, ("dev", 2): GOOD_EDITS})
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    third = {
        "three.py": "three = 3  # fails lint\n",
        "tests/test_three.py": GOOD_EDITS["tests/test_two.py"].replace("two", "three"),
    }
    plan = plan_of(title="Answer with three", create=["three.py", "tests/test_three.py"])
    cured = {**third, "three.py": "three = 3\n"}
    world.agent.plays = {("plan", 1): plan, ("dev", 1): third, ("dev", 2): cured}
    assert world.ask("Add the number three").status is Status.DEPLOYED
    assert "fix that worked: Cured check_failed" in told(world, "dev")
    assert "approach that worked: Answer with two" in told(world, "plan")


def test_a_plan_that_failed_is_refused_once_and_then_needs_a_person(make_world):
    world = failed_task(make_world)
    world.commands.retry("T-1", OWNER)
    world.engine.run_until_idle(world.clock.now())
    row = world.ledger.find("T-2")
    assert row.status is Status.PLAN_PENDING_APPROVAL
    first, second = [each.prompt for each in world.agent.seen if each.role == "plan"][-2:]
    assert "approach that failed: Answer with two" in first
    assert "Do it in another way." not in first
    assert "This is what T-1 tried on 2026-01-05, and it failed" in second
    assert gates(world, "T-2", "plan") == [["failed_before"], []]
    (question,) = world.ledger.questions()
    assert "it repeats what failed. This is what T-1 tried" in question.text
    world.commands.approve("T-2", OWNER)
    world.run()
    assert world.ledger.find("T-2").status is Status.DEPLOYED
    assert ("approach", "worked") in taught(world, "T-2")


def test_another_plan_for_what_failed_goes_on_alone(make_world):
    world = failed_task(make_world)
    otherwise = plan_of(
        approach="Read it from a table that a new module keeps, so that no constant is needed."
    )
    world.agent.plays = {**world.agent.plays, ("plan", 2): otherwise}
    world.commands.retry("T-1", OWNER)
    world.run()
    assert world.ledger.find("T-2").status is Status.DEPLOYED
    assert gates(world, "T-2", "plan") == [["failed_before"], []]


def test_what_a_person_had_forgotten_is_free_again(make_world):
    world = failed_task(make_world)
    (known,) = [lesson for lesson in world.ledger.lessons(task="T-1") if lesson.kind.value == "approach"]
    world.commands.forget_lesson(known.name, OWNER)
    world.commands.retry("T-1", OWNER)
    world.run()
    assert world.ledger.find("T-2").status is Status.DEPLOYED
    assert gates(world, "T-2", "plan") == [[]]
    forgotten = world.ledger.latest(EventKind.LESSON_FORGOTTEN)
    assert (forgotten.event.actor, forgotten.event.data["lesson"]) == (str(OWNER), known.number)


@pytest.mark.parametrize("name", ["L-99", "nonsense", "", "L-", "9" * 30, "\u0663"])
def test_a_lesson_that_is_not_there_cannot_be_forgotten(make_world, name):
    with pytest.raises(YourFault) as caught:
        make_world().commands.forget_lesson(name, OWNER)
    assert caught.value.code == "unknown_lesson"


def test_which_lessons_an_agent_was_told_is_in_the_trail_and_keeps_them(make_world):
    world = failed_task(make_world)
    world.commands.retry("T-1", OWNER)
    world.run()
    events = [link.event for link in world.ledger.events(task=world.ledger.find("T-2").task.id, limit=5_000)]
    numbers = {n for event in events if event.kind is EventKind.LESSON_TOLD for n in event.data["lessons"]}
    assert numbers
    known = {lesson.number: lesson for lesson in world.ledger.lessons(task="T-1")}
    assert numbers >= {number for number, lesson in known.items() if lesson.told_at}
    said = [sentence(link.event) for link in world.ledger.events(limit=5_000)]
    assert any(line.startswith("an agent was told L-") for line in said)
    assert "taught L-1, L-2, L-3" in said
    assert any(line.startswith("of use: L-") for line in said)
    forgotten = world.commands.forget_lesson("L-1", OWNER)
    assert sentence(world.ledger.events(limit=5_000)[-1].event) == f"{forgotten.name} forgotten by {OWNER}"
