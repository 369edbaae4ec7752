"""See which tests fail by chance: over HTTP, and from the book alone."""

from __future__ import annotations

import json

import pytest

from keelway.core.model.event import Event, EventKind


@pytest.mark.parametrize("serve", [True, False])
def test_tests_that_fail_by_chance_are_listed(make_terminal, serve):
    terminal = make_terminal(serve=serve)
    assert terminal("flaky").out == "No test was seen to fail by chance.\n"
    world = terminal.house.world
    at = world.clock.now()
    for number, (tests, excused) in enumerate([(["t.py::a"], True), (["t.py::a", "t.py::b"], False)]):
        data = {"tests": tests, "base_sha": "a" * 40, "excused": excused}
        world.ledger.record(Event(EventKind.TESTS_FLAKY, at, data=data, key=f"flaky {number}"))
    rows = terminal("flaky").out.splitlines()
    assert [row.split()[:3] for row in rows[1:]] == [["t.py::a", "2", "1"], ["t.py::b", "1", "0"]]
    plain = json.loads(terminal("flaky", "--json").out)
    assert [(each["test"], each["times"], each["excused"]) for each in plain] == [
        ("t.py::a", 2, 1),
        ("t.py::b", 1, 0),
    ]
    told = terminal("audit").out
    assert "fail by chance on the base too: t.py::a, t.py::b; too many to be excused" in told
