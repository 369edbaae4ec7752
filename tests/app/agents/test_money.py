"""A gateway with the real book behind it: every request is on the task's account, and a cap refuses the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.clients.gateway.provider import ScriptedProvider
from tests.clients.gateway.rig import PATHS, Rig, asking, call, make_rig, until

from keelway.app.agents.money import Money
from keelway.clients.gateway.values import Allowance, Price
from keelway.core.errors import TheirFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.usage import UsageEntry
from keelway.core.policy import BudgetPolicy, GatewayPolicy, Policy
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.testing.conformance.ledger import some_request

CHAT = PATHS["openai-chat"]
DEAR = {"*": Price(10_000.0, 10_000.0)}
"""One request of the scripted provider costs some tenths of a dollar."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    engine = open_database(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    upgrade(engine)
    ledger = SqlLedger(engine, tmp_path)
    ledger.create(some_request(), "app", "k")
    ledger.stage("T-1", "development", 1, "running", {})
    yield ledger
    engine.dispose()


Make = Callable[..., Rig]


@pytest.fixture
def make(tmp_path: Path, ledger: SqlLedger) -> Iterator[Make]:
    provider, rigs = ScriptedProvider(), []

    def made(policy: Policy = Policy()) -> Rig:  # noqa: B008 - frozen
        money = Money(ledger, policy)
        rigs.append(make_rig(tmp_path, provider, prices=DEAR, book=money.book, allowance=money.allowance))
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.gateway.stop()
    provider.stop()


def asked(rig: Rig, **grant: str) -> tuple[int, str]:
    opened = rig.open(**grant)
    status = call(opened, CHAT, asking("openai-chat")).status
    return status, rig.gateway.close(opened.token).refused


def test_every_request_is_booked_to_its_task(make: Make, ledger: SqlLedger) -> None:
    rig = make()
    opened = rig.open()
    for _ in range(2):
        assert call(opened, CHAT, asking("openai-chat")).status == 200
    metered = rig.gateway.close(opened.token)
    (total,) = until(
        lambda: ledger.usage(task="T-1", by=("role", "agent", "model")),
        lambda found: bool(found) and found[0].requests == 2,
    )
    assert (total.role, total.agent, total.model) == ("dev", "opencode", "gpt-5-mini")
    assert (total.input_tokens, total.output_tokens) == (metered.input_tokens, metered.output_tokens)
    assert total.cost_usd == pytest.approx(metered.cost_usd)
    assert ledger.find("T-1").cost_usd == total.cost_usd > 0
    assert ledger.spending("T-1", "development").stage_usd == total.cost_usd


def test_a_probe_that_belongs_to_no_task_counts_for_the_day(make: Make, ledger: SqlLedger) -> None:
    assert asked(make(), task="probe-1")[0] == 200
    until(ledger.spent_usd, lambda usd: usd > 0)
    assert ledger.find("T-1").cost_usd == 0
    assert ledger.usage(by=("task",))[0].task == ""


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (Policy(budget=BudgetPolicy(task_cost_usd_max=1.0)), "cost"),
        (Policy(gateway=GatewayPolicy(day_usd_max=1.0)), "day"),
        (Policy(gateway=GatewayPolicy(project_usd_max=1.0)), "project"),
    ],
)
def test_a_cap_refuses_the_next_request_until_a_person_allows_more(
    make: Make, ledger: SqlLedger, policy: Policy, refused: str
) -> None:
    rig = make(policy)
    now = datetime.now(UTC)
    ledger.book_usage(UsageEntry("earlier", "T-1", "dev", 1, now, cost_usd=1.0))
    assert asked(rig) == (402, refused)
    assert rig.provider.came == []
    cap, scope = {"cost": ("task", ""), "day": ("day", f"{now:%Y-%m-%d}"), "project": ("project", "")}[
        refused
    ]
    raised = {"raise": {"cap": cap, "scope": scope, "until": 500.0}, "by": "owner@cli"}
    ledger.record(Event(EventKind.BUDGET_RAISED, now, ledger.find("T-1").task.id, data=raised))
    assert asked(rig) == (200, "")


def test_nothing_is_spent_while_the_book_cannot_be_read(
    make: Make, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make()

    def away(*_: object) -> None:
        raise TheirFault("store_unavailable", "the server does not answer")

    monkeypatch.setattr(ledger, "spending", away)
    assert asked(rig)[0] == 503
    assert rig.provider.came == []


def test_without_a_cap_nothing_is_bounded(ledger: SqlLedger) -> None:
    assert Money(ledger, Policy()).allowance("T-1") == Allowance()
    bounded = replace(Policy(), gateway=GatewayPolicy(day_usd_max=3.0))
    assert Money(ledger, bounded).allowance("nobody").day_usd == 3.0
