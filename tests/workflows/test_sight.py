"""What is seen of a release besides its totals decides over it, in whole lives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.workflows.world import PROJECT, TRUSTING, plan_of

from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION, ProbeSpec
from keelway.core.observe.sight import Past, RouteCount, RoutePast, Sight, Vitals
from keelway.ports.probe import NOBODY, ProbeResult


def in_production(world, before, make):
    """Let a look at a new release in production see what ``make`` says."""

    def sight(environment, release, at):
        fresh = environment == PRODUCTION and release != before
        return make(release, at) if fresh else Sight()

    world.signal.sight = sight


def test_one_bad_route_takes_a_release_back(make_world):
    world = make_world()
    before = world.baseline()
    world.signal.before = Past(36_000, (RoutePast("/", 35_000, 0), RoutePast("/pay", 1_000, 5)))
    in_production(world, before, lambda *_: Sight(routes=(RouteCount("/", 95, 0), RouteCount("/pay", 5, 4))))
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert "the route /pay" in row.error
    assert world.target.places[PRODUCTION].active == before


def test_a_crash_loop_takes_a_release_back(make_world):
    world = make_world()
    before = world.baseline()
    bad = lambda _release, at: Sight(vitals=Vitals(at, 1, 50.0, 1.0, 9, 1024, 3, 1.0, 9e4, 9e3))
    in_production(world, before, bad)
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert "restarted 3 times" in row.error


def test_a_route_that_nobody_reaches_any_more_asks_a_person(make_world):
    world = make_world()
    before = world.baseline()
    world.signal.before = Past(36_000, (RoutePast("/", 18_000, 0), RoutePast("/pay", 18_000, 0)))
    in_production(world, before, lambda *_: Sight(routes=(RouteCount("/", 100, 0),)))
    world.ask()
    asked = world.ledger.questions(open_only=False)
    question = next(each for each in asked if each.binding.action == "keep")
    assert "Hardly reached any more: /pay" in question.text


def test_new_errors_that_burst_take_a_release_back_before_the_window_ends(make_world):
    world = make_world()
    before = world.baseline()
    real = world.signal.look

    def look(environment, release, stand) -> Sight:
        seen = real(environment, release, stand)
        fresh = environment == PRODUCTION and release != before
        return replace(seen, new_errors=20 if fresh else 0)

    world.signal.look = look
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert "of a kind not seen before the deploy" in row.error


@pytest.mark.parametrize("users", [0, 4])
def test_requests_of_our_own_fill_up_what_users_leave_out(make_world, users):
    quiet = replace(TRUSTING, production=replace(TRUSTING.production, synthetic_requests=10))
    world = make_world(policy=quiet)
    before = world.baseline()
    counted = world.target.traffic

    def few(environment, release, at):
        found = counted(environment, release, at)
        fresh = environment == PRODUCTION and world.target.places[PRODUCTION].active != before
        return (users, 0) if found and fresh else found

    world.signal.traffic = few
    world.ask()
    figures = world.ledger.deployments(PRODUCTION)[0].figures
    asked = [name for url, name in world.app.doors.probe.asked if "our own" in name]
    assert len(asked) == figures["synthetic_requests"] > 0
    looks = len([name for url, name in world.app.doors.probe.asked if name == "\N{MIDDLE DOT} our own 1"])
    assert len(asked) <= looks * 10
    assert len(asked) >= looks * (10 - users) - users


def test_where_nobody_counts_our_own_requests_do(make_world):
    quiet = replace(TRUSTING, production=replace(TRUSTING.production, synthetic_requests=100))
    world = make_world(policy=quiet)
    before = world.baseline()
    in_production(world, before, lambda *_: Sight(counted=False))
    row = world.ask()
    figures = world.ledger.deployments(PRODUCTION)[0].figures
    assert figures["requests"] == figures["synthetic_requests"] > 0
    assert row.status is Status.DEPLOYED


def test_numbers_that_cannot_be_read_are_harm(make_world):
    world = make_world()
    before = world.baseline()
    real = world.signal.look

    def look(environment, release, stand) -> Sight:
        world.signal.unreadable = environment == PRODUCTION and release != before
        return real(environment, release, stand)

    world.signal.look = look
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert "could not be read" in row.error


def test_a_later_task_has_to_keep_what_an_earlier_one_promised(make_world):
    again = plan_of(
        create=["three.py", "tests/test_three.py"], probes=[{"path": "/three"}], title="Answer with three"
    )
    edits = {
        "three.py": "three = 3\n",
        "tests/test_three.py": 'from pathlib import Path\n\n\ndef test_three():\n    assert "three" in Path("three.py").read_text()\n',
    }
    world = make_world()
    world.baseline()
    first = world.ask()
    assert first.status is Status.DEPLOYED
    world.agent.plays = {**world.agent.plays, ("plan", 1): again, ("dev", 1): edits}
    well = world.target.health
    broken = lambda url, spec: "gone" if spec.path == "/two" else well(url, spec)
    world.app.doors.probe.health = broken
    second = world.ask("Add the number three")
    assert second.status is Status.FAILED
    assert "T-1 promised 1 failed: gone" in second.error
    assert [name for _, name in world.app.doors.probe.asked if "promised" in name]


def test_who_watches_asks_the_release_that_was_deployed(make_world):
    project = replace(
        PROJECT,
        probes=(ProbeSpec("healthz", release="json release"), ProbeSpec("only", environments=("staging",))),
    )
    world = make_world(project=project)
    world.baseline()
    told = []
    real = world.app.doors.probe.ask

    def ask(url, specs, about=NOBODY) -> tuple[ProbeResult, ...]:
        told.append((url[-4:], about.release, tuple(spec.name for spec in specs)))
        return real(url, specs, about)

    world.app.doors.probe.ask = ask
    row = world.ask()
    assert row.status is Status.DEPLOYED
    release = world.target.places[PRODUCTION].active
    looks = [names for port, name, names in told if port == "8002" and name == release]
    assert looks
    assert all("only" not in names for names in looks)
    assert any("only" in names for port, _, names in told if port == "8001")
