"""Recipes from the terminal, over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.workflows.world import PROJECT

from keelway.core.model.recipe import ROLE, Recipe
from keelway.ports.agent import Effort, Stop

TIDY = Recipe("tidy", run=("tidy", "--all"), title="Tidy up", kind="refactor", every_hours=48)


def _terminal(make_terminal):
    terminal = make_terminal(project=replace(PROJECT, recipes=(TIDY, Recipe("mend", use="ruff-fix"))))
    world = terminal.house.world
    world.baseline()

    def tidies(assignment):
        world.sandbox.files(Path(assignment.workspace).name)["app.py"] = "one = 1  # tidy\n"
        return Effort(Stop.COMPLETED, "")

    world.agent.plays |= {(ROLE, 1): tidies}
    return terminal


def test_they_are_listed_tried_and_run(make_terminal):
    terminal = _terminal(make_terminal)
    said = terminal("recipes", "list")
    assert said.code == 0, said.err
    rows = [" ".join(row.split()) for row in said.out.splitlines()]
    assert rows[1:] == [
        "tidy 2 d none yet tidy --all",
        "mend by hand none yet ruff check --fix-only --exit-zero .",
    ]
    said = terminal("recipes", "run", "tidy", "--dry-run")
    assert "tidy would change 1 file(s), 2 line(s)" in said.out
    assert "  app.py" in said.out
    said = terminal("recipes", "run", "tidy")
    assert said.out.splitlines()[0] == "T-1 was opened: Tidy up"
    assert terminal("recipes", "run", "tidy").code == 3
    found = json.loads(terminal("recipes", "list", "--json").out)
    assert [(one["name"], one["last_task"]) for one in found] == [("tidy", "T-1"), ("mend", "")]


def test_one_that_is_not_configured_is_refused(make_terminal):
    said = _terminal(make_terminal)("recipes", "run", "nothing")
    assert said.code == 2
    assert "configured are: mend, tidy" in said.err


def test_without_any_the_next_step_is_named(make_terminal):
    assert "[[recipe]]" in make_terminal()("recipes", "list").out
