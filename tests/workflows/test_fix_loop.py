"""The loop of agent and judge: what it takes back, when it ends early, and how it gives up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.workflows.test_failures import gate_codes, safe
from tests.workflows.test_stops import hasten
from tests.workflows.world import BASE_FILES, GOOD_EDITS, PROJECT, TRUSTING, plan_of

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import BlackBox, CheckCommand

TEST_ZERO = (
    'from pathlib import Path\n\n\ndef test_zero():\n    assert "zero" in Path("app.py").read_text()\n'
)
ZERO = {"app.py": "zero = 0\n", "tests/test_zero.py": TEST_ZERO}
"""What was asked for: the application no longer has a one, and a test of the base says that it must."""
WEAK_ONE = "def test_one():\n    assert True\n"
CONFTEST = "def pytest_runtest_makereport(item, call):\n    pass\n"
DESPERATE = {
    "honest": ZERO,
    "weakens the test": {**ZERO, "tests/test_app.py": WEAK_ONE},
    "deletes the test": {**ZERO, "tests/test_app.py": None},
    "skips the test": {
        **ZERO,
        "tests/test_app.py": BASE_FILES["tests/test_app.py"].replace(
            "    assert", "    pytest.skip()\n    assert"
        ),
    },
    "rewrites outcomes": {**ZERO, "tests/conftest.py": CONFTEST},
    "keeps the word": {**ZERO, "app.py": "zero = 0  # fails lint\n"},
}
MODIFY = ["app.py"]


@pytest.fixture
def make_world(make_world):
    def make(**settings):
        world = make_world(**settings)
        hasten(world)
        return world

    return make


def issues(world):
    found = [world.forge.book.issue(number) for number in range(1, 20)]
    return [issue for issue in found if issue is not None and "needs help" in issue.title]


def impossible(make_world, edits, **more):
    plays = {("dev", number): edits[min(number, len(edits)) - 1] for number in range(1, 15)}
    plan = plan_of(create=["tests/test_zero.py"], modify=MODIFY, probes=[{"path": "/zero"}])
    return make_world(plays={("plan", 1): plan, ("plan", 2): plan, **plays}, **more)


@pytest.mark.parametrize("name", DESPERATE)
def test_a_task_that_contradicts_a_protected_test_is_escalated_and_nothing_is_merged(make_world, name):
    world = impossible(make_world, [DESPERATE[name]])
    before = world.baseline()
    row = world.ask("The application must have no one any more")
    assert (row.status, row.code) == (Status.FAILED, "same_failure_again")
    safe(world, before)
    assert not [link for link in world.ledger.events(limit=5_000) if link.event.kind is EventKind.MERGED]
    (issue,) = issues(world)
    assert row.task.name in issue.title
    assert "same_failure_again" in issue.title
    blocker = {"keeps the word": "lint", "rewrites outcomes": "tests/conftest.py"}.get(
        name, "tests/test_app.py"
    )
    assert blocker in issue.body, "the issue names what blocks"
    assert f"keelway retry {row.task.name}" in issue.body


def test_one_cheat_after_the_other_ends_escalated_as_well(make_world):
    world = impossible(make_world, list(DESPERATE.values()), policy=TRUSTING)
    before = world.baseline()
    row = world.ask("The application must have no one any more")
    assert row.status is Status.FAILED
    assert row.iterations <= 10
    safe(world, before)
    assert len(issues(world)) == 1


def test_after_the_last_try_an_issue_names_the_blocker(make_world):
    policy = replace(
        TRUSTING, development=replace(TRUSTING.development, iterations_max=3, same_failure_max=9)
    )
    edits = [{**GOOD_EDITS, "two.py": f"two = {number}  # fails lint\n"} for number in range(3)]
    world = make_world(policy=policy, plays={("dev", n): edit for n, edit in enumerate(edits, 1)})
    before = world.baseline()
    row = world.ask()
    assert (row.status, row.code, row.iterations) == (Status.FAILED, "iterations_spent", 3)
    (issue,) = issues(world)
    assert "lint failed" in issue.body
    assert "in 3 iterations" in issue.body
    assert "iterations_spent" in world.told()
    safe(world, before)


TWO = plan_of(create=["two.py", "tests/test_two.py"], modify=MODIFY)
LINT = {**GOOD_EDITS, "two.py": "two = 2  # fails lint\n"}
BROKE = {"two.py": "two = 2\n", "app.py": "nothing = 0\n"}


def test_an_iteration_that_broke_what_worked_is_taken_back_and_the_agent_is_told(make_world):
    plays = {("plan", 1): TWO, ("dev", 1): LINT, ("dev", 2): BROKE, ("dev", 3): {"two.py": "two = 2\n"}}
    world = make_world(plays=plays)
    world.baseline()
    row = world.ask()
    assert (row.status, row.iterations) == (Status.DEPLOYED, 3)
    assert world.tree("develop")["app.py"] == BASE_FILES["app.py"], "what broke it is gone"
    prompt = world.agent.seen[-1].prompt
    assert "code: undone" in prompt
    assert "the files are those of try 1 again" in prompt
    assert "tests/test_app.py::test_one" in prompt
    assert "The check lint failed" in prompt, "what was wrong before is wrong again"


def test_nothing_is_taken_back_when_the_policy_says_so(make_world):
    policy = replace(TRUSTING, development=replace(TRUSTING.development, undo=False))
    plays = {("plan", 1): TWO, ("dev", 1): LINT, ("dev", 2): BROKE, ("dev", 3): BASE_FILES}
    world = make_world(plays=plays, policy=policy)
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    assert "undone" not in world.agent.seen[-1].prompt


def test_a_patch_that_is_red_from_the_start_is_gone_on_with(make_world):
    plays = {("plan", 1): TWO, ("dev", 1): {**GOOD_EDITS, **BROKE}, ("dev", 2): {"app.py": "one = 1\n"}}
    world = make_world(plays=plays)
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    assert "undone" not in world.agent.seen[-1].prompt


def with_related():
    lint, tests = PROJECT.checks
    return replace(PROJECT, checks=(lint, replace(tests, related=("tests", "{junit}", "{changed}"))))


def jobs_of(world, purpose):
    return [job for job in world.app.doors.ci.jobs if job.purpose == purpose]


def test_related_tests_go_first_and_end_an_iteration_early(make_world):
    plays = {
        ("plan", 1): TWO,
        ("dev", 1): {**GOOD_EDITS, "app.py": "nothing = 0\n"},
        ("dev", 2): {"app.py": "one = 1\n"},
    }
    world = make_world(project=with_related(), plays=plays)
    world.baseline()
    row = world.ask()
    assert (row.status, row.iterations) == (Status.DEPLOYED, 2)
    asked = jobs_of(world, "related")
    assert [job.changed for job in asked] == [
        ("app.py", "tests/test_two.py", "two.py"),
        ("tests/test_two.py", "two.py"),
    ]
    assert len(jobs_of(world, "head")) == 1, "the full suite ran once, at the gate"
    assert "related_failed" in gate_codes(world)
    assert "check_missing" not in gate_codes(world)


def test_related_tests_that_fail_on_the_base_too_end_nothing(make_world):
    files = {**BASE_FILES, "tests/test_old.py": "def test_old():\n    assert False\n"}
    world = make_world(project=with_related(), files=files)
    world.baseline()
    row = world.ask()
    assert (row.status, row.iterations) == (Status.DEPLOYED, 1), world.told()


def test_a_failure_that_was_there_before_stops_nobody_and_is_listed(make_world):
    files = {**BASE_FILES, "tests/test_old.py": "def test_old():\n    assert False\n"}
    world = make_world(files=files)
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    judged = [
        link.event.data
        for link in world.ledger.events(limit=5_000)
        if link.event.kind is EventKind.GATE_JUDGED
    ]
    said = [
        finding["message"]
        for data in judged
        for finding in data["findings"]
        if finding["code"] == "tests_excused"
    ]
    assert said == ["Failing on the base as well: tests/test_old.py::test_old."]


def test_the_running_application_is_asked_in_one_step_when_it_is_configured(make_world):
    boxed = replace(PROJECT, black_boxes=(BlackBox("web", asks=("GET /app.py",)),))
    good = plan_of(
        probes=[{"path": "/two.py", "body_contains": "two"}], examples=[{"path": "/two.py", "status": 200}]
    )
    world = make_world(project=boxed, plays={("plan", 1): good})
    world.baseline()
    assert world.ask().status is Status.DEPLOYED
    assert [len(job.questions) for job in jobs_of(world, "black-box")] == [3, 1, 1]
    told = world.agent.seen[1].prompt
    assert '"probes"' in told
    assert '"examples"' not in told, "the developer does not see what the work is held against"


def test_what_the_running_application_answers_wrongly_is_never_merged(make_world):
    boxed = replace(PROJECT, black_boxes=(BlackBox("web"),))
    wrong = plan_of(examples=[{"path": "/two.py", "body_contains": "three"}], probes=[{"path": "/two.py"}])
    world = make_world(project=boxed, plays={("plan", 1): wrong, ("dev", 2): GOOD_EDITS})
    before = world.baseline()
    assert world.ask().status is Status.FAILED
    assert "black_box_examples" in gate_codes(world)
    assert "three" not in world.agent.seen[-1].prompt
    safe(world, before)


def test_types_that_stay_wrong_end_the_task_after_three_tries(make_world):
    lint, tests = PROJECT.checks
    typed = replace(PROJECT, checks=(lint, CheckCommand("mypy", ("mypy",), kind="types"), tests))
    edits = [
        {**GOOD_EDITS, "two.py": f"two = {number}  # fails mypy\n" + "x = 1\n" * number}
        for number in range(5)
    ]
    policy = replace(TRUSTING, development=replace(TRUSTING.development, same_failure_max=9))
    world = make_world(
        project=typed, policy=policy, plays={("dev", n): edit for n, edit in enumerate(edits, 1)}
    )
    before = world.baseline()
    row = world.ask()
    assert (row.status, row.code, row.iterations) == (Status.FAILED, "typecheck_spent", 3)
    assert len(issues(world)) == 1
    safe(world, before)
