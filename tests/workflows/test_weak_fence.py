"""Behind a weak fence no agent starts for whoever is not trusted; the reason and the next command are told."""

from __future__ import annotations

from dataclasses import replace

from tests.workflows.world import ANN, DONE, TRUSTING

from keelway.app.queries import Queries
from keelway.core.model.event import EventKind
from keelway.core.model.fence import Fence
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import SYSTEM, Source
from keelway.core.policy import IntakePolicy

WEAK = Fence("landlock", missing=("the agent sees the processes of the machine",))
STRONG = Fence("bubblewrap", isolates_network=True, trusted_only=False)
OPEN = replace(TRUSTING, intake=IntakePolicy(allowed_triggers="all"))


def world_behind(make_world, fence, **settings):
    world = make_world(policy=OPEN, **settings)
    world.agent.fenced_by = fence
    world.baseline()
    return world


def sandbox_verdicts(world, task):
    return [
        link.event.data
        for link in world.ledger.events(task=task, limit=10_000)
        if link.event.kind is EventKind.GATE_JUDGED and link.event.data["gate"] == "sandbox"
    ]


def test_a_stranger_is_refused_before_an_agent_starts(make_world):
    world = world_behind(make_world, WEAK)
    row = world.ask(by=ANN)
    assert (row.status, row.code) == (Status.FAILED, "fence_too_weak")
    assert world.agent.seen == []
    assert "ann@chat is not trusted" in row.error
    assert "keelway doctor sandbox" in row.error
    assert "keelway doctor sandbox" in world.told()
    assert [verdict["ruling"] for verdict in sandbox_verdicts(world, row.task.id)] == ["fail"]


def test_the_owner_is_served_and_told_of_the_weakness(make_world):
    world = world_behind(make_world, WEAK)
    row = world.ask()
    assert row.status is DONE
    verdicts = sandbox_verdicts(world, row.task.id)
    assert {verdict["ruling"] for verdict in verdicts} == {"pass"}
    assert len(verdicts) == 2
    shown = Queries.of(world.app, world.engine).task(row.task.name)
    gate = next(each for each in shown.gates if each.gate == "sandbox")
    assert "WEAK" in gate.findings[0].message


def test_what_keelway_measured_itself_is_served(make_world):
    world = world_behind(make_world, WEAK)
    row = world.ask("Fix the number two", by=SYSTEM, source=Source.DETECTOR, fingerprint="f1")
    assert row.status is DONE


def test_a_strong_fence_serves_a_stranger(make_world):
    world = world_behind(make_world, STRONG)
    assert world.ask(by=ANN).status is DONE


def test_a_fence_that_weakens_on_the_way_stops_the_next_agent(make_world):
    world = world_behind(make_world, STRONG)
    plan = world.plays["plan", 1]

    def weakened(assignment):
        world.agent.fenced_by = WEAK
        return plan(assignment)

    world.plays["plan", 1] = world.agent.plays["plan", 1] = weakened
    row = world.ask(by=ANN)
    assert (row.status, row.code) == (Status.FAILED, "fence_too_weak")
    assert [assignment.role for assignment in world.agent.seen] == ["plan"]


def test_the_status_says_what_fences_agents(make_world):
    world = world_behind(make_world, WEAK)
    view = Queries.of(world.app, world.engine).status()
    assert view.fence == WEAK
    assert "WEAK" in view.fenced
