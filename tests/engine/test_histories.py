"""Walk every recorded life, from every instant of it, through the code of today."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.engine.histories.lives import LIVES, POLICIES
from tests.engine.histories.record import record
from tests.engine.histories.shelf import BYTES_MAX, SHELF, Volume, read, volumes
from tests.workflows.world import PROJECT

from keelway.engine.schema import SCHEMA
from keelway.engine.upgrade.history import History, Kept
from keelway.engine.upgrade.replay import Difference, first_difference
from keelway.workflows import cast
from keelway.workflows.cast import PARTS
from keelway.workflows.stories import on_paper, stories_under

VOLUMES = [path.relative_to(SHELF).as_posix() for path in sorted(SHELF.glob("*/*.json"))]
WHAT_TO_DO = (
    'Let the old way stand beside the new one with `if conductor.patch("name")` (or `engine.patch`), '
    "or raise engine.schema.SCHEMA and record the lives of the new number with `python -m tests.engine.histories.record`; "
    "docs/explain/workflow-schema.md says which."
)


def walks(volume: Volume) -> Iterator[tuple[History, History, Difference | None]]:
    """Walk every run of a life from every prefix: the whole run, the prefix, and where it leaves the code."""
    stories, stages = on_paper(PROJECT, POLICIES[volume.life])
    for run in volume.runs:
        for prefix in run.prefixes():
            yield run, prefix, first_difference(prefix, stories, stages)


def check(volume: Volume) -> int:
    """Insist that a life can go on from every prefix, and count the walks."""
    count = 0
    for run, prefix, found in walks(volume):
        count += 1
        assert found is None, (
            f"The {run.kind} {run.name} of schema {volume.schema} ({volume.life}) cannot go on: {found}. "
            f"It had {len(prefix.verbs)} of {len(run.verbs)} steps behind it. {WHAT_TO_DO}"
        )
    return count


@pytest.mark.parametrize("name", VOLUMES)
def test_a_recorded_life_can_go_on_from_every_instant(name):
    volume = read(SHELF / name)
    if volume.schema == SCHEMA:
        assert check(volume) > 100
    else:  # keelway upgrade decides for each run whether it is adopted or closed
        assert all(found is None or found.asked for _, _, found in walks(volume))


def test_a_stage_that_asks_for_another_step_fails_and_says_what_to_do(monkeypatch):
    def changed(part):
        @functools.wraps(part.verb)
        def verb(ctx, value):
            ctx.engine.step("something new", lambda: True)
            return part.verb(ctx, value)

        return replace(part, verb=verb) if part.name == "report" else part

    monkeypatch.setattr(cast, "PARTS", tuple(map(changed, PARTS)))
    volume = next(volume for volume in volumes() if volume.life == "act_b")
    with pytest.raises(AssertionError) as told:
        check(volume)
    assert "The stage report of schema" in str(told.value)
    assert "now asks for 'something new'" in str(told.value)
    assert "had 3 of" in str(told.value)
    assert "patch" in str(told.value)


@pytest.mark.parametrize("life", LIVES)
def test_the_present_schema_has_every_life(life):
    assert f"{SCHEMA}/{life}.json" in VOLUMES, "record it: python -m tests.engine.histories.record"


def test_the_lives_of_the_present_schema_pass_everything():
    names = {run.name for volume in volumes() if volume.schema == SCHEMA for run in volume.runs}
    assert names >= stories_under(lambda _: POLICIES["act_b"]).keys()
    assert names >= {part.name for part in PARTS}


@pytest.mark.parametrize("name", VOLUMES)
def test_a_history_is_small_and_names_no_machine(name):
    text = (SHELF / name).read_text()
    assert len(text.encode()) <= BYTES_MAX
    assert not re.search(r"(?<![\w.])/(tmp|home|root|usr|var|etc|opt|private|Users)/", text)


def test_what_is_recorded_now_is_read_back_and_fits():
    volume = record("aborted")
    kept = replace(volume, life="aborted")
    assert check(kept) > 100


def changed(run: History, number: int, verb: str) -> History:
    verbs = list(run.verbs)
    verbs[number] = Kept(verb, {"result": None}, position=number)
    return replace(run, verbs=tuple(verbs))


@pytest.mark.parametrize("kind", ["story", "stage"])
def test_a_step_of_another_name_is_the_first_difference(kind):
    volume = next(volume for volume in volumes() if volume.life == "act_b")
    stories, stages = on_paper(PROJECT, POLICIES["act_b"])
    run = max((run for run in volume.runs if run.kind == kind), key=lambda run: len(run.verbs))
    for number in range(len(run.verbs)):
        found = first_difference(changed(run, number, "something else"), stories, stages)
        assert found is not None
        assert (found.found, found.position) == ("something else", number)
        assert found.asked == run.verbs[number].verb


def test_a_step_too_many_and_a_stage_that_is_gone_are_differences():
    volume = next(volume for volume in volumes() if volume.life == "act_b")
    stories, stages = on_paper(PROJECT, POLICIES["act_b"])
    run = next(run for run in volume.runs if run.name == "intake")
    longer = replace(run, verbs=(*run.verbs, Kept("one more")))
    assert first_difference(longer, stories, stages).asked == "its end"
    gone = first_difference(replace(run, name="polishing"), stories, stages)
    assert "polishing" in gone.asked
    unreadable = replace(run, kind="story", name="deliver", payload={"old": 1}, verbs=())
    assert "its end, by" in first_difference(unreadable, stories, stages).asked
