"""What breaks once where nobody expected it: what is live is told of and watched, and a way back is walked."""

from __future__ import annotations

import functools

import pytest

from keelway.core.errors import TheirFault
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import PRODUCTION
from keelway.ports.target import Built

ALWAYS = 1_000_000


def breaks(monkeypatch, door, name, *, times=1, when=lambda: True, error=RuntimeError, after=False):
    """Let a call of a door break so many times; ``after`` it has done its work or before."""
    inner, left = getattr(door, name), [times]

    @functools.wraps(inner)
    def call(*args, **kwargs):
        if left[0] <= 0 or not when():
            return inner(*args, **kwargs)
        left[0] -= 1
        if after:
            inner(*args, **kwargs)
        raise error if error is RuntimeError else TheirFault("timeout", "No answer came.", "try again")

    monkeypatch.setattr(door, name, call, raising=True)
    return left


def subjects(world):
    return [message.subject for message in world.notifier.messages if message.subject.startswith("T-")]


def is_live(world, number=1):
    return world.ledger.tasks()[0].status is Status.DEPLOYED


@pytest.mark.parametrize(
    ("door", "name"),
    [("forge", "tags"), ("ledger", "save_artefact"), ("target", "retire"), ("ledger", "lease")],
)
def test_a_report_that_breaks_once_is_made_again(make_world, monkeypatch, door, name):
    world = make_world()
    world.baseline()
    left = breaks(monkeypatch, getattr(world, door), name, when=lambda: is_live(world))
    row = world.ask()
    assert left == [0]
    assert row.status is Status.DEPLOYED
    assert [name for name, _ in world.forge.tags()] == ["v0.1.0"]
    assert subjects(world) == ["T-1 is live: Answer with two"]
    assert world.ledger.lease(PRODUCTION, "somebody else") is not None


def test_what_is_live_is_told_of_and_watched_even_when_it_cannot_be_reported(make_world, monkeypatch):
    world = make_world()
    world.baseline()
    breaks(monkeypatch, world.forge, "tags", times=ALWAYS)
    row = world.ask()
    assert row.status is Status.DEPLOYED
    assert subjects(world) == ["T-1 is live"]
    assert "could not be finished" in world.told()
    assert world.engine.status(f"{row.task.id}:watch-2") == "done"


@pytest.mark.parametrize("after", [False, True])
def test_a_lease_that_cannot_be_given_back_takes_nothing_back(make_world, monkeypatch, after):
    world = make_world()
    world.baseline()
    left = breaks(monkeypatch, world.ledger, "release", when=lambda: is_live(world), after=after)
    row = world.ask()
    assert left == [0]
    assert row.status is Status.DEPLOYED
    assert subjects(world) == ["T-1 is live: Answer with two"]
    assert world.ledger.lease(PRODUCTION, "somebody else") is not None


@pytest.mark.parametrize("error", [RuntimeError, TheirFault])
def test_a_look_that_breaks_once_is_made_again(make_world, monkeypatch, error):
    world = make_world()
    world.baseline()
    left = breaks(
        monkeypatch, world.ledger, "deployments", when=lambda: "is live" in world.told(), error=error
    )
    row = world.ask()
    assert left == [0]
    assert subjects(world) == ["T-1 is live: Answer with two"]
    assert world.engine.status(f"{row.task.id}:watch-2") == "done"


def test_a_look_that_cannot_be_made_is_told_and_the_next_one_is_made(make_world, monkeypatch):
    world = make_world()
    world.baseline()
    breaks(monkeypatch, world.ledger, "deployments", times=20, when=lambda: "is live" in world.told())
    row = world.ask()
    assert subjects(world) == ["T-1 is live: Answer with two", "T-1: not watched"]
    assert world.engine.status(f"{row.task.id}:watch-2") == "done"


def test_a_watch_that_can_never_look_ends_when_its_time_is_over(make_world, monkeypatch):
    world = make_world()
    world.baseline()
    breaks(monkeypatch, world.ledger, "deployments", times=ALWAYS, when=lambda: "is live" in world.told())
    row = world.ask()
    told = subjects(world)
    assert told[0] == "T-1 is live: Answer with two"
    assert set(told[1:]) == {"T-1: not watched"}
    assert world.engine.status(f"{row.task.id}:watch-{len(told) - 1}") == "done"
    assert world.engine.status(f"{row.task.id}:watch-{len(told)}") == "absent"


def failing(world, before):
    """Let a tenth of what users ask of the new release fail."""

    def bad_in_production(environment, release, at):
        counted = world.target.traffic(environment, release, at)
        if counted and environment == PRODUCTION and world.target.places[PRODUCTION].active != before:
            return counted[0], 30
        return counted

    world.signal.traffic = bad_in_production


@pytest.mark.parametrize(
    ("door", "name"),
    [("ledger", "quarantine"), ("backup", "verify"), ("ledger", "move")],
)
@pytest.mark.parametrize("after", [False, True])
def test_an_undoing_that_breaks_once_goes_on(make_world, monkeypatch, door, name, after):
    world = make_world()
    before = world.baseline()
    failing(world, before)
    taken = lambda: (
        world.target.places[PRODUCTION].active == before
        and bool(world.ledger.deployments(PRODUCTION)[0].figures.get("back_seconds"))
    )
    armed = (lambda: world.forge.head("main") != "") if name == "verify" else taken
    breaks(monkeypatch, getattr(world, door), name, when=armed, after=after)
    row = world.ask()
    assert row.status is Status.ROLLED_BACK
    assert subjects(world) == ["T-1 rolled back"]
    assert world.target.places[PRODUCTION].active == before
    assert "two.py" not in world.tree("main")
    assert world.engine.status(f"{row.task.id}:end-2") == "absent"


def test_whether_the_release_before_fits_is_asked_again_on_the_way_back(make_world, monkeypatch):
    """The question failed during the deploy, so nobody knew: that alone asks for no restore."""
    world = make_world()
    world.baseline()
    build = world.target.build

    def build_newer(environment, sha, release) -> Built:
        if "two.py" in world.forge.history[sha].files:
            world.target.behave(sha, schema=2)
        return build(environment, sha, release)

    for place in world.target.places.values():
        place.schema = 1
        world.target.behave(place.active, schema=1)
    world.target.build = build_newer
    left = breaks(monkeypatch, world.target, "boots", error=TheirFault, after=True)
    row = world.ask()
    assert left == [0]
    assert row.status is Status.FAILED
    assert subjects(world) == ["T-1 failed"]
    assert world.backup.restored == []
    assert not world.ledger.freeze().active
