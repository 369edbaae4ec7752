"""Money on every screen: by task, role, agent, model and day, beside its caps, with and without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.workflows.test_money import playing, spends, under
from tests.workflows.world import plan_of

from keelway.core.model.usage import UsageEntry
from keelway.core.policy import BudgetPolicy, DevBudget, GatewayPolicy
from keelway.ports.agent import Effort, Stop, Usage

pytestmark = pytest.mark.long


@pytest.fixture(params=["served", "book"])
def terminal(request, make_terminal):
    """Return a terminal in front of a task that planned for money and was metered while it worked."""
    policy = under(gateway=GatewayPolicy(day_usd_max=5.0))
    terminal = make_terminal(serve=request.param == "served", policy=policy)
    world = terminal.house.world
    world.baseline()

    def metered(assignment, files):
        done = spends(0.5)(assignment, files)
        for number in (1, 2):
            entry = UsageEntry(
                f"r{number}",
                assignment.task,
                "dev",
                1,
                world.clock.now(),
                agent="codex",
                provider="openai",
                model="small",
                input_tokens=1_000,
                output_tokens=100,
                cost_usd=0.75,
                estimated=number == 2,
                status="200",
            )
            world.ledger.book_usage(entry)
        return Effort(done.stop, "", done.usage, metered=Usage(2_000, 200, 1.5), agent="codex 1.0")

    planned = Effort(Stop.COMPLETED, plan_of()(None).text, Usage(300, 30, 0.25), agent="opencode 2.0")
    playing(world, plan=[planned], dev=[metered])
    world.ask()
    return terminal


def test_a_task_shows_what_each_role_and_agent_cost(terminal):
    said = terminal("show", "T-1").out
    assert "cost          1.75 USD" in said
    assert "dev   codex     1     2         2,000  200  ~1.50 USD  1.50 USD  0.50 USD" in said
    assert "plan  opencode  1     0         300    30   0.25 USD   -         0.25 USD" in said
    plain = json.loads(terminal("show", "T-1", "--json").out)
    assert [line["cost_usd"] for line in plain["costs"]] == [1.5, 0.25]


def test_tasks_have_a_column_of_costs_only_where_something_cost(terminal, make_terminal):
    head, row = terminal("tasks").out.splitlines()[:2]
    assert "COST" in head
    assert "1.75 USD" in row
    free = make_terminal(serve=False)
    free.house.world.baseline()
    free.house.world.ask()
    assert "COST" not in free("tasks").out


def test_costs_are_summed_up_by_what_is_asked(terminal):
    said = terminal("costs").out
    assert said.splitlines()[0].split() == [
        "TASK",
        "RUNS",
        "REQUESTS",
        "IN",
        "OUT",
        "COST",
        "METERED",
        "REPORTED",
    ]
    assert said.splitlines()[1].startswith("T-1 ")
    assert said.splitlines()[-1] == "1.75 USD in all, 2 runs, 2 requests, 0.75 USD of it estimated."
    by_model = json.loads(
        terminal("costs", "--by", "model", "--by", "agent", "--task", "@last", "--json").out
    )
    assert [(line["model"], line["agent"], line["requests"]) for line in by_model["lines"]] == [
        ("", "codex", 0),
        ("", "opencode", 0),
        ("small", "codex", 2),
    ]
    assert [line["day"] for line in json.loads(terminal("costs", "--by", "day", "--json").out)["lines"]] == [
        "2026-01-05"
    ]


def test_costs_of_a_time(terminal):
    ledger = terminal.house.world.ledger
    ledger.book_usage(UsageEntry("now", "", "dev", 1, datetime.now(UTC), cost_usd=0.125))
    for since in ("24h", "1w", f"{datetime.now(UTC):%Y-%m-%d}"):
        assert json.loads(terminal("costs", "--since", since, "--json").out)["total"]["cost_usd"] == 0.125
    assert json.loads(terminal("costs", "--since", "2026-01-05", "--json").out)["total"]["cost_usd"] == 1.875
    assert terminal("costs", "--since", "2100-01-01").out.startswith("Nothing was used since 2100-01-01")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--by", "colour"), "unknown_group"),
        (("--since", "soon"), "bad_time"),
        (("--since", "999999w"), "bad_time"),
        (("--task", "T-9"), "unknown_task"),
    ],
)
def test_what_cannot_be_asked_is_said(terminal, words, code):
    said = terminal("costs", *words)
    assert (said.code, said.out) == (2, "")
    assert code in said.err


def test_what_is_kept_is_listed_and_can_be_read(terminal):
    for verb in ("show", "logs"):
        said = terminal(verb, "T-1").out
        assert "dev-1/transcript.jsonl" in said
        assert "keelway logs T-1 --artefact NAME" in said
    assert "Role: dev" in terminal("logs", "T-1", "--artefact", "dev-1/transcript.jsonl").out
    plain = json.loads(terminal("logs", "T-1", "--artefact", "patch.diff", "--json").out)
    assert plain["reference"].startswith("sha256:")
    assert "+two = 2" in plain["text"]
    said = terminal("logs", "T-1", "--artefact", "../../etc/passwd")
    assert (said.code, said.out) == (2, "")


def test_the_screens_show_today_beside_its_cap_and_what_a_waiting_task_has_left(make_terminal):
    budget = BudgetPolicy(dev=DevBudget(cost_usd_max=1.0))
    terminal = make_terminal(policy=under(budget=budget, gateway=GatewayPolicy(day_usd_max=5.0)))
    house, today = terminal.house, f"{datetime.now(UTC):%Y-%m-%d}"
    house.world.clock.jump(datetime.now(UTC))
    house.world.baseline()
    playing(house.world, dev=[spends(1.5, good=False)])
    house.world.submit()
    house.settle()
    status = terminal("status").out
    assert f"1.50 of 5.00 USD used by all tasks on {today}" in status
    assert "developing (asks: spend)" in status
    assert "keelway approve T-1" in status
    shown = terminal("show", "T-1").out
    assert "1.50 of 1.00 USD used in development (policy.budget.dev.cost_usd_max)" in shown
    page = house.client()
    entered = page.get(page.post("/api/link").json()["url"], follow_redirects=True).text
    assert f"Spent today: 1.50 of 5.00 USD used by all tasks on {today}" in entered
    assert "may it use 0.50 usd more in development" in entered.lower()
    explained = terminal("explain", "T-1").out
    assert "because  T-1 is at its cap: 1.50 of 1.00 USD used in development." in explained
    assert "policy.budget" in explained
    assert terminal("approve", "T-1").code == 0
    house.settle()
    again = terminal("show", "T-1").out
    assert "3.00 of 2.00 USD used in development" in again, "it went on, and asks again"
