"""The figures of a scrape are those of the book, cost little, name no task, and come also when the database is away."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from tests.workflows.world import TRUSTING, World

from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.core.model.task import OWNER, Request
from keelway.core.model.usage import UsageEntry, UsageSource
from keelway.core.policy import PlanPolicy, Policy, ReviewPolicy
from keelway.engine.durable import DbosEngine
from keelway.ports.engine import Queue
from keelway.ports.ledger import TaskRow
from keelway.ports.roster import Worker
from keelway.store.database import open_database, upgrade
from keelway.store.ledger import SqlLedger
from keelway.telemetry import figures as figures_module
from keelway.telemetry import tail
from keelway.telemetry.figures import Figures
from keelway.telemetry.instruments import OTHER, VALUES_MAX, Words
from keelway.testing.clock import VirtualClock
from keelway.testing.fakes.roster import FakeRoster

ASKING = Policy(plan=PlanPolicy(auto_approve_risk="none"), review=ReviewPolicy(auto_merge_risk="medium"))

Read = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(figures: Figures) -> Read:
    """Scrape, parse as a scraper does, and return every sample by name and labels."""
    families = text_string_to_metric_families(figures.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def one(found: Read, name: str, **labels: str) -> float | None:
    return found.get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def make_figures() -> Iterator[Callable[..., Figures]]:
    made: list[Figures] = []

    def make(url: str, **settings) -> Figures:
        made.append(Figures(open_database(url), "1.2.3", **settings))
        return made[-1]

    yield make
    for figures in made:
        figures.close()


def url_of(world: World) -> str:
    return f"sqlite:///{world.home / 'keelway.sqlite'}"


def statuses(world: World) -> dict[str, int]:
    with world.database.connect() as connection:
        rows = connection.execute(sa.text("SELECT status, count(*) FROM keel_tasks GROUP BY status"))
        return {row[0]: row[1] for row in rows}


@dataclass
class Life:
    """Hold what scrapes and the book said after a delivery, and after it was taken back."""

    row: TaskRow
    events: list[dict]
    delivered: Read
    again: Read
    taken_back: Read
    text: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    world = World(tmp_path_factory.mktemp("life"), TRUSTING)
    world.baseline()
    figures = Figures(open_database(url_of(world)), "1.2.3")
    read(figures)
    row = world.ask("Add the number two xyzzy")
    delivered = read(figures)
    again = read(figures)
    with world.database.connect() as connection:
        bodies = connection.execute(sa.text("SELECT body FROM keel_events ORDER BY sequence")).scalars()
        events = [json.loads(body) for body in bodies]
    world.commands.rollback(row.task.name, OWNER, reason="slow")
    world.run()
    taken_back = read(figures)
    text = figures.text().decode()
    figures.close()
    world.close()
    return Life(row, events, delivered, again, taken_back, text)


def test_a_delivered_task_is_counted_once_by_everything(life):
    assert life.row.status is Status.DEPLOYED
    found = life.delivered
    mine = [event for event in life.events if event["task"] == life.row.task.id]
    for stage in ("intake", "planning", "development", "review", "staging", "production", "report"):
        assert one(found, "keelway_stage_runs_total", stage=stage, outcome="passed") == 1
        assert one(found, "keelway_stage_seconds_count", stage=stage) == 1
    for stage in ("development", "review", "production"):
        done = sum(event["kind"] == "effect.done" and event["stage"] == stage for event in mine)
        assert done
        assert one(found, "keelway_effects_total", stage=stage, outcome="done") == done
    gates = [event["data"] for event in mine if event["kind"] == "gate.judged"]
    assert gates
    for gate in {data["gate"] for data in gates}:
        passed = sum(data["gate"] == gate and data["ruling"] == "pass" for data in gates)
        assert one(found, "keelway_gates_total", gate=gate, ruling="pass") == passed
    assert one(found, "keelway_tasks", status="deployed") == 1
    assert one(found, "keelway_tasks", status="research") == 0
    assert one(found, "keelway_tasks_closed_total", status="deployed") == 1
    for stage in ("planning", "development"):
        assert one(found, "keelway_agent_runs_total", stage=stage, stop="completed") == 1
    assert one(found, "keelway_audit_events") == len(life.events)
    assert one(found, "keelway_audit_events_behind") == 0
    assert one(found, "keelway_database_up") == 1
    assert one(found, "keelway_build_info", version="1.2.3") == 1


def test_a_second_scrape_counts_nothing_twice(life):
    def totals(found: Read) -> Read:
        return {
            key: value for key, value in found.items() if key[0].startswith("keelway") and "total" in key[0]
        }

    assert totals(life.again) == totals(life.delivered)


def test_a_way_back_is_counted_with_its_seconds(life):
    found = life.taken_back
    assert one(found, "keelway_rollbacks_total", environment=PRODUCTION, verified="yes") == 1
    assert one(found, "keelway_rollback_seconds_count", environment=PRODUCTION) == 1
    assert one(found, "keelway_tasks", status="rolled_back") == 1
    assert one(found, "keelway_tasks", status="deployed") == 0


def test_no_task_person_or_text_becomes_a_label(life):
    for said in (life.row.task.id, life.row.task.name, "xyzzy", OWNER.name):
        assert said not in life.text
    labels = {pair for _, pairs in life.taken_back for pair in pairs}
    assert {name for name, _ in labels} == {
        "stage", "outcome", "gate", "ruling", "status", "stop", "environment", "verified", "le", "version",
        "agent", "role", "kind",
    }  # fmt: skip


def test_a_question_is_shown_while_it_waits(tmp_path, make_figures):
    world = World(tmp_path, ASKING)
    figures = make_figures(url_of(world))
    world.baseline()
    row = world.submit()
    world.engine.run_until_idle(world.clock.now() + timedelta(hours=1))
    assert len(world.ledger.questions()) == 1
    assert one(read(figures), "keelway_questions_open") == 1
    assert one(read(figures), "keelway_question_oldest_seconds") > 0
    world.commands.abort(row.task.name, OWNER)
    world.run()
    found = read(figures)
    assert one(found, "keelway_questions_open") == 0
    assert one(found, "keelway_question_oldest_seconds") == 0
    assert sum(statuses(world).values()) == 1
    assert {status: one(found, "keelway_tasks", status=status) for status in statuses(world)} == statuses(
        world
    )


def test_the_values_of_a_label_are_few():
    words = Words()
    assert words.of("stage", "review") == "review"
    for odd in ("01HZX3T7", "t-1", "Review", "a b", "", "x" * 50, "task-142", 'a"b', None):
        assert words.of("stage", odd) in {OTHER, "t-1"}
    for number in range(200):
        words.of("gate", "g" + chr(97 + number % 26) + chr(97 + number // 26))
    assert (
        sum(words.of("gate", "g" + chr(97 + n % 26) + chr(97 + n // 26)) != OTHER for n in range(200))
        == VALUES_MAX
    )
    assert words.of("stage", "review") == "review"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    database = open_database(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    upgrade(database)
    yield SqlLedger(database, tmp_path)
    database.dispose()


def note(ledger: SqlLedger, kind: EventKind, key: str = "", **data) -> None:
    ledger.record(Event(kind, datetime.now(UTC), "01T", "review", 1, data=data, key=key))


def test_costs_and_tokens_are_added_up_by_role_and_agent(ledger, tmp_path, make_figures):
    figures = make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    read(figures)
    more = {"provider": "openai", "input_tokens": 100, "cached_tokens": 40, "output_tokens": 9}
    for number, (cost, status) in enumerate([(1.5, "200"), (0.25, "200"), (0, "504 silent")]):
        entry = UsageEntry(
            f"k{number}", "", "dev", 1, NOW, agent="codex", cost_usd=cost, status=status, **more
        )
        ledger.book_usage(entry)
    report = UsageEntry(
        "r", "", "dev", 1, NOW, UsageSource.REPORTED, agent="codex", cost_usd=9, counted=False
    )
    ledger.book_usage(report)
    alone = UsageEntry(
        "s", "", "plan", 1, NOW, UsageSource.REPORTED, agent="OpenCode", cost_usd=0.5, input_tokens=7
    )
    ledger.book_usage(alone)
    note(ledger, EventKind.AGENT_FINISHED, stop="limit_wall", agent="x")
    found = read(figures)
    assert one(found, "keelway_agent_cost_usd_total", role="dev", agent="codex") == 1.75
    assert one(found, "keelway_agent_cost_usd_total", role="plan", agent="opencode") == 0.5
    tokens = {
        kind: one(found, "keelway_agent_tokens_total", role="dev", agent="codex", kind=kind) for kind in KINDS
    }
    assert tokens == {"input": 300, "output": 27, "cached": 120}
    assert one(found, "keelway_model_requests_total", provider="openai", outcome="done") == 2
    assert one(found, "keelway_model_requests_total", provider="openai", outcome="failed") == 1
    assert one(found, "keelway_agent_runs_total", stage="review", stop="limit_wall") == 1


KINDS = ("input", "output", "cached")
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def test_a_stage_that_began_before_us_still_has_its_seconds(ledger, tmp_path, make_figures):
    began = datetime.now(UTC) - timedelta(seconds=90)
    ledger.record(Event(EventKind.STAGE_STARTED, began, "01T", "review", 1, key="01T/review/1/running"))
    figures = make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    read(figures)
    note(ledger, EventKind.STAGE_FINISHED, "01T/review/1/held", status="held")
    found = read(figures)
    assert one(found, "keelway_stage_seconds_sum", stage="review") == pytest.approx(90, abs=60)
    assert one(found, "keelway_stage_runs_total", stage="review", outcome="held") == 1


def test_counting_begins_before_the_first_scrape(ledger, tmp_path, make_figures):
    note(ledger, EventKind.EFFECT_DONE, effect="before")
    figures = make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    figures._pool.submit(lambda: None).result(30)
    note(ledger, EventKind.EFFECT_DONE, effect="merge")
    assert one(read(figures), "keelway_effects_total", stage="review", outcome="done") == 1


def test_an_event_that_cannot_be_counted_stops_nothing(ledger, tmp_path, make_figures):
    figures = make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    read(figures)
    for kind in EventKind:
        note(ledger, kind)
        note(ledger, kind, f"odd/{kind.value}", status=["x"], fields="none", total_seconds="long", gate={})
    note(ledger, EventKind.GATE_JUDGED, gate="merge", ruling="fail", findings=[])
    found = read(figures)
    assert one(found, "keelway_gates_total", gate="merge", ruling="fail") == 1
    assert one(found, "keelway_database_up") == 1


def test_what_is_left_for_later_is_said(ledger, tmp_path, make_figures, monkeypatch):
    monkeypatch.setattr(tail, "EVENTS_MAX", 20)
    monkeypatch.setattr(tail, "BATCH", 7)
    figures = make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    read(figures)
    for _ in range(50):
        note(ledger, EventKind.EFFECT_DONE, effect="merge")
    for behind, counted in ((30, 20), (10, 40), (0, 50)):
        found = read(figures)
        assert one(found, "keelway_audit_events_behind") == behind
        assert one(found, "keelway_effects_total", stage="review", outcome="done") == counted


def test_workers_are_counted_by_state(tmp_path, ledger, make_figures):
    clock = VirtualClock()
    roster = FakeRoster(clock)
    for name in ("a", "b", "c"):
        roster.join(Worker(name, "host", ("dev",), "1"), 10.0)
    roster.leave("c")
    clock.advance(4)
    roster.beat("a")
    figures = make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}", roster=roster, lease_seconds=10.0)
    found = read(figures)
    assert one(found, "keelway_workers", state="alive") == 2
    assert one(found, "keelway_workers", state="left") == 1
    assert one(found, "keelway_worker_beat_age_seconds") == 4
    clock.advance(8)
    found = read(figures)
    assert (one(found, "keelway_workers", state="alive"), one(found, "keelway_workers", state="silent")) == (
        1,
        1,
    )
    assert one(found, "keelway_worker_beat_age_seconds") == 12


def test_the_queues_of_the_real_engine(tmp_path, ledger, make_figures):
    url = f"sqlite:///{tmp_path / 'keelway.sqlite'}"
    go, inside = threading.Event(), threading.Event()

    def stage(engine, payload):
        inside.set()
        assert go.wait(30)
        return {}

    async def story(conductor, payload):
        return await conductor.call("dev@hub-1", "slow", "slow-1", {})

    engine = DbosEngine(url, tmp_path)
    engine.launch({"s": story}, {"slow": stage}, (Queue("dev@hub-1", 1),))
    try:
        engine.start("s", "run-1", {})
        engine.start("s", "run-2", {})
        engine.start("s", "later", {}, delay_seconds=3_600)
        assert inside.wait(30)
        figures = make_figures(url)
        deadline = datetime.now(UTC) + timedelta(seconds=30)
        wanted = {"running": 1.0, "queued": 1.0}
        while datetime.now(UTC) < deadline:
            found = read(figures)
            dev = {state: one(found, "keelway_queue_runs", queue="dev", state=state) for state in wanted}
            if dev == wanted:
                break
        assert dev == wanted
        delayed = sum(
            value
            for (name, labels), value in found.items()
            if name == "keelway_queue_runs" and ("state", "delayed") in labels
        )
        assert delayed == 1
    finally:
        go.set()
        engine.close()


def many(ledger: SqlLedger, database: sa.Engine, tasks: int) -> None:
    """Fill the book with ended and some open tasks as their rows are; every 25th is open."""
    row, _ = ledger.create(Request("x" * 400, OWNER, datetime.now(UTC)), "p", "k")
    with database.begin() as connection:
        for number in range(2, tasks + 1):
            connection.execute(
                sa.text(
                    "INSERT INTO keel_tasks (id, number, project, key, intent, request, status, created_at, "
                    "updated_at, completed_at) SELECT :name, :number, project, :name, intent, request, :status, "
                    "created_at, updated_at, CASE WHEN :open THEN NULL ELSE updated_at END "
                    "FROM keel_tasks WHERE id = :id"
                ),
                {
                    "name": f"n{number}",
                    "number": number,
                    "status": "deployed" if number % 25 else "staging",
                    "open": number % 25 == 0,
                    "id": row.task.id,
                },
            )
        counted = {"value": tasks}
        connection.execute(sa.text("UPDATE keel_counters SET value = :value WHERE name = 'task'"), counted)


def test_a_scrape_scans_nothing(ledger, tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'keelway.sqlite'}")
    many(ledger, database, 300)
    figures = Figures(database, "1")
    read(figures)
    seen: list[tuple[str, object]] = []

    def listen(_connection, _cursor, statement, parameters, *_):
        seen.append((statement, parameters))

    sa.event.listen(database, "before_cursor_execute", listen)
    for _ in range(5):
        note(ledger, EventKind.EFFECT_DONE, effect="merge")
    note(ledger, EventKind.STAGE_FINISHED, "01T/review/9/passed", status="passed")
    read(figures)
    sa.event.remove(database, "before_cursor_execute", listen)
    asked = [pair for pair in seen if pair[0].startswith("SELECT") and "workflow_status" not in pair[0]]
    assert 3 <= len(asked) <= 8
    with database.connect() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scans = [row[-1] for row in plan if row[-1].startswith("SCAN") and "INDEX" not in row[-1]]
            assert scans == [], statement
    figures.close()


def test_the_same_on_postgresql(postgres_url, tmp_path, make_figures):
    database = open_database(postgres_url)
    upgrade(database)
    ledger = SqlLedger(database, tmp_path)
    many(ledger, database, 60)
    figures = make_figures(postgres_url)
    read(figures)
    row, _ = ledger.create(Request("y", OWNER, datetime.now(UTC)), "p", "other")
    ledger.move(row.task.id, Status.PLANNING)
    note(ledger, EventKind.EFFECT_FAILED, effect="merge", error="no")
    found = read(figures)
    assert one(found, "keelway_tasks", status="planning") == 1
    assert one(found, "keelway_tasks", status="staging") == 2
    assert one(found, "keelway_effects_total", stage="review", outcome="failed") == 1
    assert one(found, "keelway_questions_open") == 0
    assert one(found, "keelway_database_up") == 1
    database.dispose()


def test_without_a_database_the_answer_comes_and_says_so(ledger, tmp_path, make_figures, monkeypatch):
    path = tmp_path / "keelway.sqlite"
    figures = make_figures(f"sqlite:///{path}")
    read(figures)
    note(ledger, EventKind.EFFECT_DONE, effect="merge")
    read(figures)
    real, stuck = Figures._look, threading.Event()

    def late(self):
        assert stuck.wait(30)
        real(self)

    monkeypatch.setattr(figures_module, "ANSWER_SECONDS_MAX", 0.05)
    monkeypatch.setattr(Figures, "_look", late)
    for _ in range(2):
        found = read(figures)
        assert one(found, "keelway_database_up") == 0
        assert one(found, "keelway_tasks", status="deployed") is None
        assert str(one(found, "keelway_questions_open")) == "nan"
        assert one(found, "keelway_effects_total", stage="review", outcome="done") == 1
    stuck.set()
    monkeypatch.undo()
    assert one(read(figures), "keelway_database_up") == 1


def test_a_broken_database_is_no_error_of_the_scrape(tmp_path, make_figures):
    (tmp_path / "keelway.sqlite").write_bytes(b"this is no database at all" * 100)
    found = read(make_figures(f"sqlite:///{tmp_path / 'keelway.sqlite'}"))
    assert one(found, "keelway_database_up") == 0
