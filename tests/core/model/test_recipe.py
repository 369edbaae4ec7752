from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.errors import YourFault
from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.plan import Kind
from keelway.core.model.recipe import BUILT_IN, Recipe, complete, find_recipe, plan_of, request_of, slot_of
from keelway.core.model.task import OWNER, SYSTEM, Source, intent_key

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_each_built_in_is_whole(name):
    whole = complete(Recipe("mine", use=name))
    assert whole.run
    assert whole.title
    assert Kind(whole.kind) in {Kind.MAINTENANCE, Kind.REFACTOR}
    assert BUILT_IN[name].name == name


def test_what_is_given_outranks_the_built_in():
    whole = complete(
        Recipe("mine", use="ruff-fix", run=("ruff", "check", "--fix", "src"), title="Mend", kind="chore")
    )
    assert (whole.run[-1], whole.title, whole.kind, whole.why) == (
        "src",
        "Mend",
        "chore",
        BUILT_IN["ruff-fix"].why,
    )
    bare = complete(Recipe("bare", run=("true",)))
    assert (bare.title, bare.kind) == ("Run the recipe bare", "chore")


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (Recipe("x", use="nothing"), "known are"),
        (Recipe("x"), "no command"),
        (Recipe("x", run=("true",), kind="feat"), "'feat'"),
        (Recipe("x", run=("true",), every_hours=-1), "every_hours"),
        (Recipe("x", run=("true",), seconds_max=0), "seconds_max"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(recipe, said):
    with pytest.raises(YourFault, match=said):
        complete(recipe)


def test_a_recipe_is_found_by_name():
    recipes = (Recipe("a", run=("true",)), Recipe("b", use="ruff-fix"))
    assert find_recipe(recipes, "b").run == BUILT_IN["ruff-fix"].run
    with pytest.raises(YourFault, match="configured are: a, b"):
        find_recipe(recipes, "c")
    with pytest.raises(YourFault, match="configured are: none"):
        find_recipe((), "c")


def test_the_plan_holds_exactly_what_the_trial_changed():
    deltas = (
        FileDelta("new.py", "A", "000000", "100644", 3, 0),
        FileDelta("old.py", "D", "100644", "000000", 0, 2),
        FileDelta("both.py", "M", "100644", "100644", 1, 1),
        FileDelta("kind", "T", "100644", "120000", 1, 1),
    )
    plan = plan_of(complete(Recipe("x", use="ruff-format")), Diff("a" * 40, "b" * 40, deltas))
    assert (plan.create, plan.delete, plan.modify) == (("new.py",), ("old.py",), ("both.py", "kind"))
    assert plan.kind is Kind.REFACTOR
    assert "ruff format ." in plan.approach
    assert plan.lines_estimate == 9


def test_the_request_says_who_and_by_what():
    recipe = complete(Recipe("x", use="ruff-fix"))
    by_hand = request_of(recipe, OWNER, NOW, scheduled=False)
    by_clock = request_of(recipe, SYSTEM, NOW, scheduled=True)
    assert (by_hand.source, by_clock.source) == (Source.CLI, Source.CRON)
    assert by_hand.recipe == by_clock.recipe == "x"
    assert intent_key("p", by_hand) == intent_key("p", by_clock), "one open task of a recipe at a time"


def test_without_a_clock_there_is_no_slot():
    assert slot_of(Recipe("x", run=("true",)), NOW) == ""


@given(
    st.floats(0.1, 10_000),
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_slot_lasts_as_long_as_the_recipe_says(hours, now):
    recipe = Recipe("x", run=("true",), every_hours=hours)
    assert slot_of(recipe, now) == slot_of(recipe, now)
    assert slot_of(recipe, now) != slot_of(recipe, now + timedelta(hours=hours * 1.001))
