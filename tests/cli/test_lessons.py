"""See, search and forget what tasks learnt: over HTTP, and from the book alone."""

from __future__ import annotations

import json

import pytest

from keelway.core.model.event import EventKind
from keelway.testing.conformance.lessons import some_lesson

pytestmark = pytest.mark.long


@pytest.fixture
def taught(terminal):
    world = terminal.house.world
    world.baseline()
    world.ask()
    world.ledger.learn([some_lesson("Brew coffee", task="T-9", text="Use a\x1b[31m kettle.\nNot a pot.")])
    return terminal


def test_lessons_are_listed_and_searched(taught):
    listed = taught("lessons")
    assert listed.code == 0
    assert listed.out.index("L-2  Brew coffee") < listed.out.index("L-1  Answer with two")
    assert "approach that worked" in listed.out
    assert "T-1, asked by owner@cli" in listed.out
    found = taught("lessons", "hot", "COFFEE*", '"kettle')
    assert "L-2  Brew coffee" in found.out
    assert "L-1" not in found.out
    assert "\x1b" not in found.out
    assert (
        taught("lessons", "search", "teapot").out == "No lessons. Tasks teach when they end: keelway tasks\n"
    )
    assert "L-1" not in taught("lessons", "--limit", "1").out


def test_lessons_are_json_on_demand(taught):
    lessons = json.loads(taught("lessons", "coffee", "--json").out)
    assert [(each["name"], each["kind"], each["outcome"]) for each in lessons] == [
        ("L-2", "approach", "failed")
    ]
    assert json.loads(taught("lessons", "--json", "coffee").out) == lessons


def test_a_task_shows_what_it_taught(taught):
    shown = taught("show", "T-1")
    assert "Taught" in shown.out
    assert "L-1     approach  worked   Answer with two" in shown.out
    plain = json.loads(taught("show", "T-1", "--json").out)
    assert [each["name"] for each in plain["lessons"]] == ["L-1"]


def test_a_person_lets_one_be_forgotten(taught):
    refused = taught("lessons", "forget", "L-2")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert taught("lessons", "forget", "l-2", "--yes").out == "L-2 is forgotten: Brew coffee\n"
    again = taught("lessons", "forget", "L-2", "-y")
    assert (again.code, again.err.splitlines()[0]) == (2, "Error: There is no lesson L-2.")
    assert "keelway lessons" in again.err
    event = taught.house.world.ledger.latest(EventKind.LESSON_FORGOTTEN).event
    assert (event.actor, event.data["lesson"]) == ("owner@cli", 2)


def test_lessons_are_read_from_the_book_alone_but_not_forgotten(make_terminal):
    alone = make_terminal(serve=False)
    alone.house.world.ledger.learn([some_lesson()])
    assert "Add the XMPP driver" in alone("lessons", "xmpp").out
    refused = alone("lessons", "forget", "L-1", "--yes")
    assert refused.code == 1
    assert "keelway up" in refused.err
