# ruff: noqa: S101, PLR2004 - these are tests, shipped for the authors of ledgers
"""What every ledger must do; subclass ``LedgerTests`` and provide a fixture ``ledger`` with an empty one.

The fixture's owner must be called ``owner`` and no freeze may be in force.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.errors import OurFault, RequestRefused, YourFault
from keelway.core.model.event import Event, EventKind, verify_chain
from keelway.core.model.lifecycle import TRANSITIONS, Status
from keelway.core.model.task import Actor, Request, Severity, Source
from keelway.core.rule.approval import Approval, Binding
from keelway.ports.ledger import Deployment, Ledger, Quarantine, Question, TaskRow

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ANNA = Actor("anna", "telegram")
TO_DEPLOYED = tuple(
    Status(word)
    for word in ["planning", "developing", "testing", "pr_open", "staging", "observing", "deployed"]
)


def some_request(text: str = "Add XMPP support") -> Request:
    """Return a request that fills every field."""
    return Request(
        text=text,
        requested_by=ANNA,
        requested_at=NOW,
        source=Source.CHAT,
        severity=Severity.HIGH,
        hotfix=True,
        files=("app/xmpp.py",),
        fingerprint="f" * 8,
        evidence="Traceback \ud800 \x00 \N{PILE OF POO}",
        retry_of="01J",
    )


def some_question(row: TaskRow, identity: str = "Q1", *, plan_version: int = 1) -> Question:
    """Return a question about a version of the plan of a task."""
    binding = Binding(task=row.task.id, action="plan", plan_version=plan_version, policy_digest="p")
    return Question(identity, row.task.id, "planning", binding, "Shall I?", NOW, NOW + timedelta(hours=1))


def some_answer(question: Question, identity: str = "A1") -> Approval:
    """Return an approval of exactly what the question asks."""
    return Approval(
        id=identity,
        binding_digest=question.binding.digest,
        answer="yes",
        remarks="go on",
        by=ANNA,
        at=NOW + timedelta(minutes=1),
        nonce=f"n-{identity}",
        expires_at=NOW + timedelta(hours=2),
    )


def _code(act: Callable[[], object]) -> str:
    with pytest.raises(RequestRefused) as caught:
        act()
    return caught.value.code


class TaskTests:
    """Hold the part about tasks."""

    def test_a_request_comes_back_as_it_was(self, ledger: Ledger) -> None:
        """Every field survives, whatever characters it holds."""
        row, new = ledger.create(some_request(), "app", "k")
        assert new
        assert row.task.request == some_request()
        assert isinstance(row.task.request.source, Source)
        assert (row.task.number, row.task.project, row.status) == (1, "app", Status.RESEARCH)
        assert ledger.find(row.task.id) == row

    def test_only_one_task_of_an_intent_is_open(self, ledger: Ledger) -> None:
        """The second caller gets the first task; after its end the intent is free again."""
        first, _ = ledger.create(some_request(), "app", "k")
        again, new = ledger.create(some_request("other words"), "app", "k")
        assert (again.task, new) == (first.task, False)
        ledger.move(first.task.id, Status.ABORTED)
        third, new = ledger.create(some_request(), "app", "k")
        assert (new, third.task.number) == (True, 2)

    def test_a_task_is_found_by_id_number_and_name(self, ledger: Ledger) -> None:
        """People type names in any case, programs use ids."""
        row, _ = ledger.create(some_request(), "app", "k")
        for name in (row.task.id, "1", "T-1", "t-1"):
            assert ledger.find(name).task == row.task
        with pytest.raises(YourFault):
            ledger.find("T-2")

    def test_tasks_are_listed_newest_first(self, ledger: Ledger) -> None:
        """Closed tasks are left out on demand and the limit holds."""
        for number in range(3):
            ledger.create(some_request(), "app", f"k{number}")
        ledger.move("2", Status.FAILED, code="gone")
        assert [row.task.number for row in ledger.tasks()] == [3, 2, 1]
        assert [row.task.number for row in ledger.tasks(open_only=True)] == [3, 1]
        assert [row.task.number for row in ledger.tasks(limit=1)] == [3]

    def test_a_task_moves_by_the_lifecycle_only(self, ledger: Ledger) -> None:
        """What the table does not allow changes nothing."""
        row, _ = ledger.create(some_request(), "app", "k")
        assert Status.DEPLOYED not in TRANSITIONS[Status.RESEARCH]
        with pytest.raises(OurFault):
            ledger.move(row.task.id, Status.DEPLOYED, branch="x")
        assert ledger.find(row.task.id).branch == ""
        for status in TO_DEPLOYED:
            row = ledger.move(row.task.id, status)
            assert row.status is status
        assert row.deployed_at is not None
        assert ledger.move(row.task.id, Status.ROLLED_BACK).rolled_back_at is not None

    def test_fields_move_with_the_status_or_alone(self, ledger: Ledger) -> None:
        """Both verbs keep every field of the row; an unknown field is an error."""
        row, _ = ledger.create(some_request(), "app", "k")
        plan = {"title": "XMPP", "kind": "feat", "create": ["a.py"], "n": [1, 2.5, None, True]}
        row = ledger.move(row.task.id, Status.PLANNING, plan=plan, plan_version=2, risk="medium")
        assert (row.plan, row.plan_version, row.risk) == (plan, 2, "medium")
        fields = {"cost_usd": 1.25, "paused": True, "abort_by": "anna", "pull_request": 7}
        row = ledger.amend(row.task.id, **fields)
        assert {name: getattr(row, name) for name in fields} == fields
        assert row.status is Status.PLANNING
        with pytest.raises(OurFault):
            ledger.amend(row.task.id, colour="blue")

    def test_a_repeated_move_adds_nothing(self, ledger: Ledger) -> None:
        """A step that runs twice leaves one record."""
        row, _ = ledger.create(some_request(), "app", "k")
        ledger.move(row.task.id, Status.PLANNING, risk="high")
        before = len(ledger.events())
        ledger.move(row.task.id, Status.PLANNING, risk="high")
        ledger.stage(row.task.id, "planning", 1, "passed", {"files": 3})
        ledger.stage(row.task.id, "planning", 1, "passed", {"files": 3})
        assert len(ledger.events()) == before + 1

    def test_tasks_are_counted_from_an_instant(self, ledger: Ledger) -> None:
        """The cap on requests an hour relies on it."""
        ledger.create(some_request(), "app", "k")
        created = ledger.find("1").created_at
        assert created is not None
        assert ledger.tasks_since(created) == 1
        assert ledger.tasks_since(created + timedelta(microseconds=1)) == 0


class EventTests:
    """Hold the part about the chain."""

    def test_every_write_leaves_a_link_and_the_chain_fits(self, ledger: Ledger) -> None:
        """Nothing changes the book without an event."""
        row, _ = ledger.create(some_request(), "app", "k")
        question = ledger.ask(some_question(row))
        lease = ledger.lease("production", "w1")
        assert lease is not None
        writes: tuple[Callable[[], object], ...] = (
            lambda: ledger.move(row.task.id, Status.PLANNING),
            lambda: ledger.amend(row.task.id, cost_usd=2.0),
            lambda: ledger.stage(row.task.id, "planning", 1, "running", {}),
            lambda: ledger.answer(question.id, some_answer(question)),
            lambda: ledger.release(lease),
            lambda: ledger.save_deployment(Deployment("d", row.task.id, "e", "r", "s", "live", 1, NOW)),
            lambda: ledger.quarantine(Quarantine("abc", row.task.id, "bad", NOW)),
            lambda: ledger.save_artefact(row.task.id, "patch", "text"),
            lambda: ledger.open_incident(row.task.id, "down", "body", "key"),
        )
        for write in writes:
            before = len(ledger.events())
            write()
            assert len(ledger.events()) > before
        assert verify_chain(ledger.events()) is None

    def test_events_come_back_in_order(self, ledger: Ledger) -> None:
        """Pages, filters and all fields hold."""
        events = [Event(EventKind.WATCH_CHECKED, NOW, f"t{n % 2}", "s", n, "a@b", {"n": n}) for n in range(5)]
        assert [ledger.record(event) for event in events] == [1, 2, 3, 4, 5]
        links = ledger.events(after=1, limit=3)
        assert [link.event for link in links] == events[1:4]
        assert all(isinstance(link.event.kind, EventKind) for link in links)
        assert [link.sequence for link in ledger.events(task="t1")] == [2, 4]

    def test_a_key_is_recorded_once(self, ledger: Ledger) -> None:
        """The same number comes back for the same key; an intent is not a deed."""
        event = Event(EventKind.EFFECT_DONE, NOW, key="t/deploy/1", data={"release": "r"})
        assert ledger.record(event) == ledger.record(replace(event, data={})) == 1
        assert ledger.effect("t/deploy/1") == event
        assert ledger.effect("t/deploy/2") is None
        ledger.record(Event(EventKind.EFFECT_INTENDED, NOW, key="a"))
        assert ledger.effect("a") is ledger.effect("") is None


class QuestionTests:
    """Hold the part about questions."""

    def test_a_question_is_asked_once_and_answered_once(self, ledger: Ledger) -> None:
        """The second asker gets the answer of the first; a second answer is refused."""
        row, _ = ledger.create(some_request(), "app", "k")
        question = ledger.ask(some_question(row))
        assert question == some_question(row)
        assert ledger.ask(some_question(row, "Q2")) == question
        answered = ledger.answer(question.id, some_answer(question))
        assert answered.approval == some_answer(question)
        assert _code(lambda: ledger.answer(question.id, some_answer(question, "A2"))) == "already_answered"
        assert ledger.ask(some_question(row)).approval == some_answer(question)
        assert ledger.questions() == ()
        assert ledger.questions(task=row.task.id, open_only=False) == (answered,)

    def test_a_late_answer_is_refused(self, ledger: Ledger) -> None:
        """A question that is over stays unanswered."""
        row, _ = ledger.create(some_request(), "app", "k")
        question = ledger.ask(some_question(row))
        late = replace(some_answer(question), at=NOW + timedelta(hours=1))
        assert _code(lambda: ledger.answer(question.id, late)) == "expired"
        assert ledger.questions()[0].open

    def test_an_answer_to_something_else_is_refused(self, ledger: Ledger) -> None:
        """A newer plan, another binding or the end of the task voids a question."""
        row, _ = ledger.create(some_request(), "app", "k")
        old = ledger.ask(some_question(row))
        new = ledger.ask(some_question(row, "Q2", plan_version=2))
        assert ledger.questions() == (new,)
        assert _code(lambda: ledger.answer(old.id, some_answer(old))) == "void"
        assert _code(lambda: ledger.answer(new.id, some_answer(old))) == "void"
        ledger.move(row.task.id, Status.ABORTED)
        assert _code(lambda: ledger.answer(new.id, some_answer(new))) == "void"


class EnvironmentTests:
    """Hold the part about environments."""

    def test_a_lease_has_one_holder_and_a_growing_epoch(self, ledger: Ledger) -> None:
        """Renewing keeps the epoch; every new holding raises it."""
        first = ledger.lease("production", "w1")
        assert first is not None
        assert ledger.lease("production", "w1") == first
        assert ledger.lease("production", "w2") is None
        second = ledger.lease("production", "w2", take_over=True)
        assert second is not None
        assert second.epoch > first.epoch
        ledger.release(first)
        assert ledger.lease("production", "w3") is None
        ledger.release(second)
        third = ledger.lease("production", "w3")
        assert third is not None and third.epoch > second.epoch  # noqa: PT018 - one fact

    def test_deployments_are_replaced_and_listed_newest_first(self, ledger: Ledger) -> None:
        """All fields survive."""
        old = Deployment("d1", "t", "production", "r1", "s1", "live", 1, NOW)
        later = NOW + timedelta(seconds=1)
        new = replace(old, id="d2", started_at=later, schema_after=3, figures={"errors": 0})
        for deployment in (old, new, replace(old, status="superseded", finished_at=NOW)):
            ledger.save_deployment(deployment)
        assert ledger.deployments("production") == (new, replace(old, status="superseded", finished_at=NOW))
        assert ledger.deployments("staging") == ()

    def test_quarantine_remembers_the_revert(self, ledger: Ledger) -> None:
        """The entry of a commit is replaced, not doubled."""
        entry = Quarantine("abc", "t", "errors", NOW)
        ledger.quarantine(entry)
        ledger.quarantine(replace(entry, revert_sha="def"))
        assert ledger.quarantined() == (replace(entry, revert_sha="def"),)


class LedgerTests(TaskTests, EventTests, QuestionTests, EnvironmentTests):
    """Hold every part, and the rest."""

    def test_an_artefact_comes_back_by_its_hash(self, ledger: Ledger) -> None:
        """Any text survives; what was never kept is the caller's mistake."""
        text = "diff \ud800 \x00 \r\n \N{PILE OF POO}"
        reference = ledger.save_artefact("t", "patch", text, "text/x-diff")
        assert reference.startswith("sha256:")
        assert ledger.save_artefact("t", "again", text) == reference
        assert ledger.artefact(reference) == text
        for absent in ("sha256:" + "0" * 64, "../../etc/passwd", ""):
            with pytest.raises(YourFault):
                ledger.artefact(absent)

    def test_an_incident_is_opened_once(self, ledger: Ledger) -> None:
        """The number of a key stays."""
        assert ledger.open_incident("t", "Down", "body", "k1") == 1
        assert ledger.open_incident("t", "Up", "body", "k1") == 1
        assert ledger.open_incident("t", "Down", "body", "k2") == 2

    def test_the_owner_is_known_and_the_freeze_works(self, ledger: Ledger) -> None:
        """Nobody else is the owner; the emergency stop says who pulled it."""
        assert ledger.owner_says(Actor("owner", "telegram"))
        assert not ledger.owner_says(ANNA)
        assert not ledger.freeze().active
        assert ledger.set_freeze("anna", "look").active
        assert (ledger.freeze().by, ledger.freeze().reason) == ("anna", "look")
        assert not ledger.lift_freeze("anna").active
