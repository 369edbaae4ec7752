"""The SQL ledger passes the contract, and the parts of it that other ledgers need not have."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from keelway.core.errors import OurFault, TheirFault, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import Actor, Source
from keelway.core.rule.approval import Binding
from keelway.ports.ledger import Deployment, Quarantine, Question
from keelway.store.database import open_database
from keelway.store.ledger import SqlLedger
from keelway.testing.conformance.ledger import (
    NOW,
    TO_DEPLOYED,
    LedgerTests,
    some_answer,
    some_question,
    some_request,
)
from keelway.testing.conformance.usage import UsageTests


class TestSqlLedger(LedgerTests):
    pass


class TestSqlUsage(UsageTests):
    pass


def test_totals_count_what_the_dashboards_show(ledger):
    request = some_request().__class__("Fix it", Actor("owner"), NOW, source=Source.DETECTOR)
    row, _ = ledger.create(request, "app", "k")
    for status in TO_DEPLOYED:
        ledger.move(row.task.id, status)
    ledger.move(row.task.id, Status.ROLLED_BACK)
    other, _ = ledger.create(some_request(), "app", "k2")
    ledger.move(other.task.id, Status.FAILED)
    assert ledger.states() == {
        "total_issues_fixed": "1",
        "total_rollbacks": "1",
        "total_tasks_completed": "1",
        "total_tasks_failed": "1",
    }
    ledger.set_state("colour", "blue")
    assert (ledger.state("colour"), ledger.state("size", "none")) == ("blue", "none")


def test_samples_are_kept_once_with_one_event(ledger):
    ticks = [(NOW + timedelta(seconds=n), {"requests": n, "errors": 0}) for n in range(3)]
    assert ledger.save_samples("d1", "new", ticks[:2]) == 2
    assert ledger.save_samples("d1", "new", ticks) == 1
    assert ledger.save_samples("d1", "old", ticks[:1]) == 1
    assert [figures for _, _, figures in ledger.samples("d1", "new")] == [figures for _, figures in ticks]
    assert len(ledger.samples("d1")) == 4
    assert [link.event.kind for link in ledger.events()] == [EventKind.OBSERVED] * 3


def test_a_failed_write_leaves_neither_row_nor_event(ledger):
    row, _ = ledger.create(some_request(), "app", "k")
    with pytest.raises(OurFault, match="artefact"):
        ledger.stage(row.task.id, "planning", 1, "passed", {"log": "x" * 1_100_000})
    assert len(ledger.events()) == 1
    ledger.stage(row.task.id, "planning", 1, "passed", {})
    assert len(ledger.events()) == 2


def test_an_incident_makes_a_report(ledger):
    ledger.open_incident("t", "Rolled back", "Errors rose by 200 %.", "k")
    report_id = ledger.save_report("deployment_report", "All well", recommendations=["Sleep"])
    newest, incident = ledger.reports()
    assert (newest["id"], newest["recommendations"]) == (report_id, ["Sleep"])
    assert incident["critical_issues"] == ["Rolled back"]
    assert [entry["title"] for entry in ledger.incidents()] == ["Rolled back"]
    assert len(ledger.reports(report_type="incident_report")) == 1


def test_the_freeze_is_recorded_and_works_without_the_database(ledger, home, engine):
    ledger.set_freeze("anna@cli", "look")
    assert (ledger.freeze().by, ledger.freeze().reason) == ("anna@cli", "look")
    assert not ledger.lift_freeze("anna@cli").active
    assert not ledger.lift_freeze("anna@cli").active
    assert [link.event.kind for link in ledger.events()] == [EventKind.FREEZE_SET, EventKind.FREEZE_LIFTED]
    engine.dispose()
    (home / "keelway.sqlite").write_bytes(b"not a database" * 100)
    for name in ("keelway.sqlite-wal", "keelway.sqlite-shm"):
        (home / name).unlink(missing_ok=True)
    ledger.set_freeze("anna@cli", "the database is broken")
    assert ledger.freeze().active


def test_a_lost_table_is_their_fault_with_a_next_step(ledger, engine):
    with engine.connect() as connection, connection.begin():
        connection.execute(text("ALTER TABLE keel_counters RENAME TO elsewhere"))
    with pytest.raises(TheirFault) as caught:
        ledger.create(some_request(), "app", "k")
    assert caught.value.hint


def test_an_owner_may_be_bound_to_a_channel(engine, home):
    ledger = SqlLedger(engine, home, ["anna@telegram", "root"])
    assert ledger.owner_says(Actor("anna", "telegram"))
    assert ledger.owner_says(Actor("root", "any"))
    assert not ledger.owner_says(Actor("anna", "slack"))


def test_threads_share_a_ledger_without_losing_a_number(ledger):
    def work(name: str) -> None:
        for n in range(10):
            ledger.record(Event(EventKind.WATCH_CHECKED, datetime.now(UTC), name, data={"n": n}))

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [link.sequence for link in ledger.events()] == list(range(1, 41))


def test_a_question_of_no_task_can_be_asked(ledger):
    binding = Binding(task="", action="restore", environment="production")
    question = Question("Q", "", "rollback", binding, "Restore?", NOW, None)
    assert ledger.ask(question) == question


def test_two_engines_on_one_file_see_each_other(ledger, url, home):
    other = open_database(url)
    second = SqlLedger(other, home)
    ledger.create(some_request(), "app", "k")
    assert second.find("T-1").task.request == some_request()
    other.dispose()


def test_what_was_never_asked_cannot_be_answered(ledger):
    row, _ = ledger.create(some_request(), "app", "k")
    with pytest.raises(YourFault) as caught:
        ledger.answer("nobody asked", some_answer(some_question(row)))
    assert caught.value.code == "unknown_question"


def test_an_id_that_is_used_twice_is_our_fault_and_writes_nothing(ledger):
    row, _ = ledger.create(some_request(), "app", "k")
    ledger.ask(some_question(row))
    before = ledger.events()
    with pytest.raises(OurFault) as caught:
        ledger.ask(some_question(row, plan_version=2))
    assert caught.value.code == "store_conflict"
    assert ledger.events() == before
    assert len(ledger.questions()) == 1


def test_repeating_a_record_writes_nothing(ledger):
    deployment = Deployment("d", "t", "e", "r", "s", "live", 1, NOW, figures={"n": 1})
    entry = Quarantine("abc", "t", "bad", NOW)
    for _ in range(2):
        ledger.save_deployment(deployment)
        ledger.quarantine(entry)
        ledger.set_state("a", "b")
    assert len(ledger.events()) == 3


def test_an_unknown_task_has_no_stage(ledger):
    with pytest.raises(YourFault):
        ledger.stage("T-9", "planning", 1, "running", {})


def test_failed_tests_are_remembered(ledger, engine):
    row, _ = ledger.create(some_request(), "app", "k")
    for status in (Status.PLANNING, Status.DEVELOPING, Status.TESTING, Status.DEVELOPING):
        ledger.move(row.task.id, status)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT tests_passed FROM agent_tasks")).scalar() == 0
