"""Recipes run the operator's command in the workspace, and leave only what it changed."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from keelway.adapters.agent.recipe import RecipeAgent
from keelway.clients.shell import marked
from keelway.core.model.project import Project
from keelway.core.model.recipe import ROLE, Recipe
from keelway.ports.agent import Assignment, Stop
from keelway.testing.fakes.agent import FakeAgent

WRITES = ("sh", "-c", "test -f tool/ready && printf 'two = 2\\n' > app.py")
SETUP = ("sh", "-c", "mkdir tool && touch tool/ready")


@pytest.fixture
def make(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    (room / "app.py").write_text("one = 1\n")

    def make(*recipes, setup=SETUP):
        inner = FakeAgent({("dev", 1): {}}, lambda task: {})
        project = Project("x", setup=setup, path=("tool",))
        return RecipeAgent(inner, recipes, project, str(tmp_path / "agents")), room

    return make


def _order(room, name, role=ROLE):
    return Assignment("T-1", role, 1, str(room), name)


def test_it_runs_the_command_after_the_set_up_and_leaves_only_its_changes(make, tmp_path):
    agent, room = make(Recipe("two", run=WRITES))
    effort = agent.work(_order(room, "two"))
    assert (effort.stop, effort.detail, effort.agent) == (Stop.COMPLETED, "", "recipe two")
    assert (room / "app.py").read_text() == "two = 2\n"
    assert [path.name for path in room.iterdir()] == ["app.py"]
    assert list((tmp_path / "agents").iterdir()) == []


def test_everything_else_goes_to_the_coding_agent(make):
    agent, room = make(Recipe("two", run=WRITES))
    agent.work(_order(room, "Write a feature", role="dev"))
    assert [seen.prompt for seen in agent.inner.seen] == ["Write a feature"]
    assert agent.record("T-1", "dev", 1)[0].text == "Write a feature"
    assert agent.record("T-1", ROLE, 1) == ()
    assert (agent.probe().installed, agent.reap()) == (True, 0)


@pytest.mark.parametrize(
    ("recipe", "stop", "said"),
    [
        (Recipe("x", run=("false",)), Stop.CRASHED, "false ended with 1"),
        (Recipe("x", run=("sh", "-c", "echo no such rule >&2; exit 3")), Stop.CRASHED, "no such rule"),
        (Recipe("x", run=("no-such-program-here",)), Stop.NOT_STARTED, "no-such-program-here"),
        (Recipe("x", run=("sleep", "60"), seconds_max=0.2), Stop.LIMIT_WALL, "was ended after"),
        (Recipe("other", run=("true",)), Stop.NOT_STARTED, "no recipe called 'x'"),
    ],
)
def test_a_command_that_does_not_succeed_is_told(make, recipe, stop, said):
    agent, room = make(recipe)
    effort = agent.work(_order(room, "x"))
    assert effort.stop is stop
    assert said in effort.detail


def test_a_set_up_that_fails_is_told(make):
    agent, room = make(Recipe("x", run=("true",)), setup=("sh", "-c", "exit 7"))
    assert "ended with 7" in agent.work(_order(room, "x")).detail


def test_a_cancel_ends_the_command(make):
    agent, room = make(Recipe("x", run=(sys.executable, "-c", "import time; time.sleep(60)")))
    efforts = []
    thread = threading.Thread(target=lambda: efforts.append(agent.work(_order(room, "x"))))
    thread.start()
    marker, deadline = agent._marker("T-1"), time.monotonic() + 20
    while not marked(marker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert agent.cancel("T-1")
    thread.join(20)
    assert efforts[0].stop in {Stop.CRASHED, Stop.NOT_STARTED}, "between set-up and command it never begins"
    assert marked(marker) == []
    assert not agent.cancel("T-1")
