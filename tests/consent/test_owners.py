"""E13: who owns touched paths is asked, by the owner file of the base, over the final difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.consent.rig import ANN, BERT, OWNED, PEOPLED, link_of, records, settle, waiting
from tests.workflows.world import BASE_FILES, GOOD_EDITS, TRUSTING, plan_of

from keelway.core.errors import RequestRefused
from keelway.core.model.event import EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.task import OWNER, Actor
from keelway.core.model.verdict import Ruling


def held(world, row) -> str:
    """Return what the merge gate says last."""
    links = world.ledger.events(task=row.task.id, limit=10_000)
    data = [link.event.data for link in links if link.event.kind is EventKind.GATE_JUDGED][-1]
    codes = [finding["code"] for finding in data["findings"] if finding["ruling"] == Ruling.HOLD.value]
    return f"{data['gate']} {data['ruling']} {' '.join(codes)}"


def test_e13_each_touched_group_has_to_say_yes(make_world):
    world = make_world(project=PEOPLED, files=OWNED)
    row = waiting(world)
    assert (row.status, held(world, row)) == (Status.PR_OPEN, "merge hold merge_needs_owners")
    told = {message.to.partition("@")[0] for message in world.notifier.messages if message.question}
    assert {"ann", "bert"} <= told
    world.commands.approve(row.task.name, OWNER)
    row = settle(world, row)
    assert (row.status, held(world, row)) == (Status.PR_OPEN, "merge hold approval_incomplete")
    world.commands.approve(row.task.name, link_of(ANN))
    row = settle(world, row)
    assert (row.status, "two.py" in world.tree("develop")) == (Status.PR_OPEN, False)
    world.commands.approve(row.task.name, link_of(BERT))
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_e13_without_touched_owned_paths_nobody_is_asked(make_world):
    """The honest twin."""
    world = make_world(project=PEOPLED, files={**BASE_FILES, "CODEOWNERS": "other/ @harbour/numbers\n"})
    world.baseline()
    assert world.ask().status is Status.DEPLOYED


def test_e13_one_no_of_an_owner_ends_it(make_world):
    world = make_world(project=PEOPLED, files=OWNED)
    row = waiting(world)
    world.commands.approve(row.task.name, link_of(ANN))
    world.commands.reject(row.task.name, link_of(BERT))
    world.run()
    row = world.ledger.find(row.task.id)
    assert (row.status, row.code) == (Status.FAILED, "approval_denied")
    assert "two.py" not in world.tree("develop")


def test_e13_a_program_in_the_group_does_not_count(make_world):
    world = make_world(project=PEOPLED, files=OWNED)
    waiting(world)
    for actor in (Actor("robot", "link"), Actor("900", "telegram"), Actor("robot", "agent")):
        with pytest.raises(RequestRefused):
            world.commands.approve("T-1", actor)
    assert len(records(world)) == 3


def test_e13_a_group_that_nobody_stands_for_lets_nothing_through(make_world):
    world = make_world(project=PEOPLED, files={**BASE_FILES, "CODEOWNERS": "two.py @harbour/gone\n"})
    world.baseline()
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "owners_unknown")
    assert "two.py" not in world.tree("develop")


def test_e13_a_later_line_that_shadows_is_the_one_that_counts(make_world):
    lines = "* @harbour/gone\ntwo.py @harbour/numbers\ntests/ @harbour/numbers\n"
    world = make_world(project=PEOPLED, files={**BASE_FILES, "CODEOWNERS": lines})
    row = waiting(world)
    world.commands.approve(row.task.name, link_of(ANN))
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_e13_a_file_that_is_added_after_the_yes_asks_anew(make_world):
    """The yes was for another head; the new question names the owners of the new file too."""
    world = make_world(
        project=PEOPLED,
        files={**BASE_FILES, "CODEOWNERS": "two.py @harbour/numbers\nthree.py bert@example.org\n"},
    )
    create = ["two.py", "three.py", "tests/test_two.py"]
    world.agent.plays = {
        **world.plays,
        ("plan", 1): plan_of(create=create),
        ("dev", 2): {**GOOD_EDITS, "three.py": "three = 3\n"},
    }
    row = waiting(world)
    (first,) = world.ledger.questions()
    assert [group.name for group in first.terms.groups] == ["@harbour/numbers"]
    moved = world.forge.history.add(
        (world.forge.head("develop"),), {**world.tree("develop"), "two.py": "x = 0\n"}, "people"
    )
    world.forge.branches_at["develop"] = moved.sha
    world.commands.approve(row.task.name, link_of(ANN))
    settle(world, row)
    again = world.ledger.questions()
    assert [each.id for each in again] != [first.id]
    assert [group.name for group in again[0].terms.groups] == ["bert@example.org", "@harbour/numbers"]
    assert world.tree("develop")["two.py"] == "x = 0\n"
    assert [each.binding.base_sha for each in again] == [moved.sha]


def test_a_single_user_stands_for_every_group(make_world):
    world = make_world(files=OWNED, policy=TRUSTING)
    row = waiting(world)
    assert held(world, row) == "merge hold merge_needs_owners"
    world.commands.approve(row.task.name, OWNER)
    world.run()
    assert world.ledger.find(row.task.id).status is Status.DEPLOYED


def test_an_owner_file_that_cannot_be_read_stops_the_merge(make_world):
    world = make_world(files={**BASE_FILES, "CODEOWNERS": "x" * 1_000_001}, policy=replace(TRUSTING))
    world.baseline()
    row = world.ask()
    assert (row.status, row.code) == (Status.FAILED, "owners_unreadable")
