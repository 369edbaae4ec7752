"""Lives in which scanners, lock files and migrations have something to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.workflows.test_failures import gate_codes, safe
from tests.workflows.world import BASE_FILES, GOOD_EDITS, OWNER, PROJECT, TRUSTING, World, plan_of

from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.policy import CategoryPolicy, PlanPolicy, Policy, ScanPolicy
from keelway.core.scan.report import Hit, ScanReport

OPEN = replace(TRUSTING, plan=PlanPolicy(auto_approve_risk="medium"))
SCANNING = replace(OPEN, scan=ScanPolicy(tools=("known_secrets", "bandit")))
PATHS = ("tests/test_two.py", "two.py")
UNSAFE = ScanReport("bandit", "1.9.4", ("two.py",), (Hit("two.py", 1, "B301 pickle", "Pickle is unsafe."),))
STEP = "migrations/0001_two.sql"


def reporting(make_world, *reports: ScanReport, **settings) -> World:
    world = make_world(**{"policy": SCANNING, **settings})
    world.scanner.reports = {report.tool: report for report in reports}
    world.baseline()
    return world


def test_every_patch_is_looked_at_and_the_record_says_by_whom(make_world):
    world = reporting(make_world)
    assert world.ask().status is Status.DEPLOYED
    (job,) = world.scanner.asked
    assert (job.tools, job.paths) == (("known_secrets", "bandit"), PATHS)
    assert job.lines["two.py"] == (1,)
    judged = [
        link.event.data
        for link in world.ledger.events(limit=5000)
        if link.event.kind is EventKind.GATE_JUDGED
    ]
    quality = next(data for data in judged if data["gate"] == "quality")
    assert {each["evidence"].get("tool") for each in quality["findings"] if each["code"] == "scan_clean"} == {
        "known_secrets",
        "bandit",
    }


def test_what_a_scanner_finds_goes_back_to_the_agent(make_world):
    world = reporting(
        make_world, UNSAFE, plays={("dev", 1): {**GOOD_EDITS, "two.py": "two = 3\n"}, ("dev", 2): GOOD_EDITS}
    )
    seen = world.scanner.examine
    world.scanner.examine = lambda job: (
        seen(job) if world.agent.seen[-1].attempt == 1 else clear(world, seen, job)
    )
    row = world.ask()
    assert (row.status, row.iterations) == (Status.DEPLOYED, 2)
    assert "Pickle is unsafe" in world.agent.seen[-1].prompt


def clear(world, seen, job):
    world.scanner.reports = {}
    return seen(job)


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (UNSAFE, "sast_worse"),
        (replace(UNSAFE, hits=(), examined=()), "scanner_empty"),
        (replace(UNSAFE, hits=(), absent="pip install 'keelway[scan]'"), "scanner_absent"),
        (replace(UNSAFE, hits=(), error="it was stopped after 120 s."), "scanner_failed"),
        (
            ScanReport(
                "known_secrets", "1", PATHS, (Hit("two.py", 1, "DB_PASSWORD", "the value of this secret"),)
            ),
            "secret_known",
        ),
    ],
)
def test_a_patch_that_a_scanner_does_not_pass_gets_nowhere(make_world, report, code):
    world = reporting(make_world, report, plays={("dev", turn): GOOD_EDITS for turn in range(1, 5)})
    before = world.target.places[PRODUCTION].active
    assert world.ask().status is Status.FAILED
    assert code in gate_codes(world)
    safe(world, before)


def test_what_nobody_could_say_asks_a_person_with_the_reason(make_world):
    silent = ScanReport("bandit", "1.9.4", unreached="no network")
    world = reporting(make_world, silent)
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(row.task.id).status is Status.PR_OPEN
    (question,) = world.ledger.questions(task=row.task.id)
    assert "merge" in question.binding.action
    assert "no network" in question.text
    assert world.tree("develop") == BASE_FILES
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def migrating(make_world, sql: str, policy: Policy = OPEN) -> World:
    plan = plan_of(create=["two.py", "tests/test_two.py", STEP], migrations=[STEP])
    plays = {("plan", 1): plan, ("dev", 1): {**GOOD_EDITS, STEP: sql}}
    return reporting(make_world, policy=policy, plays=plays, project=replace(PROJECT, sqlite="{data}/x.db"))


def test_a_migration_that_only_adds_goes_on_alone(make_world):
    alone = replace(OPEN, category=CategoryPolicy(never_auto_deploy=()))
    world = migrating(make_world, "CREATE TABLE two (id INTEGER PRIMARY KEY);\n", alone)
    assert world.ask().status is Status.DEPLOYED
    assert "migration_irreversible" not in gate_codes(world)


def test_a_migration_that_cannot_be_taken_back_waits_for_a_person(make_world):
    world = migrating(make_world, "DROP TABLE one;\n")
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert world.ledger.find(row.task.id).status is Status.PR_OPEN
    assert world.ledger.find(row.task.id).risk == "high"
    (question,) = world.ledger.questions(task=row.task.id)
    assert "cannot be taken back" in question.text
    assert world.tree("develop") == BASE_FILES
    world.commands.reject(row.task.name, OWNER)
    world.run()
    assert world.tree("develop") == BASE_FILES


def test_a_poisoned_lock_file_gets_nowhere(make_world):
    from tests.core.package.test_locked import BASE, uv_package

    files = {**BASE_FILES, **BASE}
    poisoned = BASE["uv.lock"] + uv_package("slixmpp", "1.9.0", host="https://evil.example.org")
    plan = plan_of(create=["two.py", "tests/test_two.py"], modify=["uv.lock"])
    plays = {("plan", 1): plan} | {("dev", turn): {**GOOD_EDITS, "uv.lock": poisoned} for turn in range(1, 5)}
    world = make_world(policy=OPEN, plays=plays, files=files)
    before = world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.FAILED
    assert {"lock_foreign_host", "lock_without_manifest"} <= gate_codes(world)
    assert world.tree("develop") == files
    assert world.target.places[PRODUCTION].active == before
