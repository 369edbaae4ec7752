# ruff: noqa: S101 - these are tests, shipped for the authors of ledgers
"""What every ledger must do with usage; subclass ``UsageTests`` and provide a fixture ``ledger`` with an empty one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keelway.core.errors import OurFault, RequestRefused, YourFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.usage import UsageEntry, UsageSource, UsageTotal
from keelway.core.rule.allowance import SPEND, Raise, Spending
from keelway.core.rule.approval import Binding
from keelway.ports.ledger import Ledger, Question, TaskRow
from keelway.testing.conformance.ledger import some_answer, some_request


def some_usage(key: str, task: str = "T-1", **more: object) -> UsageEntry:
    """Return one metered request of today that cost a quarter of a dollar."""
    entry = UsageEntry(
        key,
        task,
        "dev",
        1,
        datetime.now(UTC),
        agent="codex",
        provider="openai",
        model="small",
        input_tokens=100,
        output_tokens=20,
        cached_tokens=10,
        cost_usd=0.25,
        status="ok",
        seconds=1.5,
    )
    return replace(entry, **more)  # type: ignore[arg-type]


def some_task(ledger: Ledger, number: int = 1) -> TaskRow:
    """Return a fresh task in development."""
    row, _ = ledger.create(some_request(), "app", f"k{number}")
    ledger.stage(row.task.id, "development", 1, "running", {})
    return ledger.find(row.task.id)


class UsageTests:
    """Hold the part about money."""

    def test_usage_is_booked_once_and_the_task_follows(self, ledger: Ledger) -> None:
        """A repeated step costs nothing; names and ids mean the same task; each booking leaves its event."""
        row = some_task(ledger)
        before = len(ledger.events())
        assert ledger.book_usage(some_usage("a"))
        assert not ledger.book_usage(some_usage("a", cost_usd=9.0))
        assert ledger.book_usage(some_usage("b", row.task.id, cost_usd=0.5))
        assert ledger.find("T-1").cost_usd == pytest.approx(0.75)
        assert ledger.spent_usd() == pytest.approx(0.75)
        kinds = [link.event.kind for link in ledger.events(after=before)]
        assert kinds == [EventKind.USAGE_BOOKED] * 2
        with pytest.raises(YourFault):
            ledger.book_usage(some_usage("c", "T-404"))
        assert ledger.book_usage(some_usage("d", ""))
        assert ledger.spent_usd() == pytest.approx(1.0)

    def test_what_is_only_reported_beside_the_meter_does_not_count(self, ledger: Ledger) -> None:
        """Both figures are there to be compared; one of them is the cost."""
        some_task(ledger)
        ledger.book_usage(some_usage("a"))
        report = some_usage("b", source=UsageSource.REPORTED, counted=False, cost_usd=0.4, input_tokens=300)
        ledger.book_usage(report)
        assert ledger.usage() == (
            UsageTotal(
                task=ledger.find("T-1").task.id,
                input_tokens=100,
                output_tokens=20,
                cached_tokens=10,
                cost_usd=0.25,
                metered_tokens=120,
                metered_usd=0.25,
                reported_tokens=320,
                reported_usd=0.4,
                requests=1,
                runs=1,
            ),
        )
        assert ledger.find("T-1").cost_usd == pytest.approx(0.25)

    def test_usage_is_summed_up_by_what_is_asked(self, ledger: Ledger) -> None:
        """Groups, a beginning and a task narrow it; sums over groups are the whole."""
        some_task(ledger)
        some_task(ledger, 2)
        early = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
        ledger.book_usage(some_usage("a", at=early, role="plan", estimated=True))
        ledger.book_usage(some_usage("b", model="large"))
        ledger.book_usage(some_usage("c", "T-2", cost_usd=1.0, agent="gemini"))
        roles = ledger.usage(by=("role",))
        assert [total.role for total in roles] == ["dev", "plan"]
        assert [total.cost_usd for total in roles] == pytest.approx([1.25, 0.25])
        assert [total.estimated_usd for total in roles] == pytest.approx([0, 0.25])
        assert next(total.day for total in ledger.usage(by=("day",))) == "2026-01-31"
        one = ledger.usage(task="T-1", by=("role", "model"))
        assert [(total.role, total.model) for total in one] == [("dev", "large"), ("plan", "small")]
        assert [total.agent for total in ledger.usage(by=("agent",), since=early + timedelta(hours=1))] == [
            "codex",
            "gemini",
        ]
        assert ledger.spent_usd(early + timedelta(hours=1)) == pytest.approx(1.25)
        assert sum(total.cost_usd for total in ledger.usage()) == pytest.approx(ledger.spent_usd())
        assert len(ledger.usage(by=())) == 1
        with pytest.raises(OurFault):
            ledger.usage(by=("colour",))

    def test_the_row_of_a_task_is_the_sum_of_its_entries(self, ledger: Ledger) -> None:
        """The total of the task and its entries never part."""
        rows = [some_task(ledger, number) for number in (1, 2)]
        for number in range(12):
            counted = number % 3 != 0
            entry = some_usage(f"k{number}", f"T-{1 + number % 2}", cost_usd=0.1 * number, counted=counted)
            ledger.book_usage(entry)
        booked = {total.task: total.cost_usd for total in ledger.usage(by=("task",))}
        assert booked == {row.task.id: ledger.find(row.task.id).cost_usd for row in rows}

    def test_what_was_spent_is_told_for_every_cap(self, ledger: Ledger) -> None:
        """Stage, task, day and everything; what people allowed and were asked comes with it."""
        row = some_task(ledger)
        some_task(ledger, 2)
        yesterday = datetime.now(UTC) - timedelta(days=1)
        ledger.book_usage(some_usage("a", at=yesterday, stage="planning"))
        ledger.book_usage(some_usage("b"))
        ledger.book_usage(some_usage("c", "T-2", cost_usd=2.0))
        ledger.book_usage(some_usage("d", "", cost_usd=4.0))
        seen = ledger.spending("T-1", "development")
        assert seen.day == f"{datetime.now(UTC):%Y-%m-%d}"
        figures = (seen.stage_usd, seen.task_usd, seen.task_day_usd, seen.day_usd, seen.project_usd)
        assert figures == pytest.approx((0.25, 0.5, 0.25, 6.25, 6.5))
        assert (seen.stage, seen.task_tokens, seen.raises, seen.asked) == ("development", 240, (), ())
        raised = {"raise": {"cap": "task", "scope": "", "until": 7.5}, "by": "ann"}
        for _ in range(2):
            event = Event(EventKind.BUDGET_RAISED, datetime.now(UTC), row.task.id, data=raised, key="once")
            ledger.record(event)
        assert ledger.spending(row.task.id).raises == (Raise("task", "", 7.5),)
        assert ledger.spending("T-2").raises == ()
        nobody = ledger.spending("T-404")
        assert nobody == Spending("", seen.day, day_usd=seen.day_usd, project_usd=seen.project_usd)

    def test_a_question_whose_reason_is_gone_is_withdrawn(self, ledger: Ledger) -> None:
        """It is not open any more and takes no answer; an answered one stays answered."""
        row = some_task(ledger)
        binding = Binding(row.task.id, SPEND, tree_sha="x")
        now = datetime.now(UTC)
        question = ledger.ask(Question("Q1", row.task.id, "development", binding, "More?", now, None))
        assert ledger.spending("T-1").asked == ("Q1",)
        assert ledger.withdraw("Q1")
        assert not ledger.withdraw("Q1")
        assert (ledger.spending("T-1").asked, ledger.questions()) == ((), ())
        with pytest.raises(RequestRefused):
            ledger.answer("Q1", some_answer(question))
        other = ledger.ask(
            Question("Q2", row.task.id, "development", replace(binding, tree_sha="y"), "More?", now, None)
        )
        ledger.answer("Q2", some_answer(other))
        assert not ledger.withdraw("Q2")

    def test_artefacts_are_listed_in_the_order_of_saving(self, ledger: Ledger) -> None:
        """Name, kind and size come with the reference."""
        row = some_task(ledger)
        reference = ledger.save_artefact(row.task.id, "dev-1/transcript.jsonl", "{}\n", "application/jsonl")
        ledger.save_artefact(row.task.id, "patch.diff", "+")
        listed = ledger.artefacts(row.task.id)
        assert [each["name"] for each in listed] == ["dev-1/transcript.jsonl", "patch.diff"]
        assert (listed[0]["reference"], listed[0]["bytes"]) == (reference, 3)
