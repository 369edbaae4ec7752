"""The same way of doing something is known again, and another one is not taken for it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.lesson.strategy import Strategy, is_repeat, strategy_of
from keelway.core.model.diff import NO_MODE, Diff, FileDelta
from keelway.core.model.plan import Kind, Plan


def adding(*lines: str, path: str = "two.py", removed: int = 0, sha: str = "a") -> Diff:
    delta = FileDelta(path, "M", added=len(lines), removed=removed)
    return Diff("b", sha, (delta,), {path: tuple(enumerate(lines, 1))})


def test_a_plan_in_other_words_clothes_is_the_same(plan: Plan) -> None:
    same = replace(plan, approach="register it -- implement the Driver contract!", risks=("none",))
    assert is_repeat(strategy_of(same), [strategy_of(plan)])
    assert not is_repeat(strategy_of(plan), [])


def test_another_kind_other_files_or_other_words_are_another_way(plan: Plan) -> None:
    known = [strategy_of(plan)]
    others = (
        replace(plan, kind=Kind.FIX),
        replace(plan, modify=("app/other.py", "app/third.py")),
        replace(plan, approach="Use the slixmpp library through a queue of its own process instead."),
    )
    assert not any(is_repeat(strategy_of(other), known) for other in others)


def test_a_patch_is_the_same_only_with_exactly_the_same_lines(plan: Plan) -> None:
    known = [strategy_of(plan, adding("two = 2", "", removed=1))]
    assert is_repeat(strategy_of(plan, adding("two = 2  ", sha="c", removed=1)), known)
    others = (
        adding("two = 3", removed=1),
        adding("  two = 2", removed=1),
        adding("two = 2", removed=2),
        adding("two = 2", path="three.py", removed=1),
    )
    assert not any(is_repeat(strategy_of(plan, other), known) for other in others)


def test_a_patch_is_never_a_plan(plan: Plan) -> None:
    patch = strategy_of(plan, adding("two = 2"))
    planned = replace(patch, content="")
    assert not is_repeat(patch, [planned])
    assert not is_repeat(planned, [patch])


def test_what_is_not_wholly_known_is_never_the_same_patch(plan: Plan) -> None:
    cut = Diff("b", "a", (FileDelta("x", "M", added=2),), {"x": ((1, "one"),)})
    binary = Diff("b", "a", (FileDelta("x", "M", binary=True),))
    only_less = adding(removed=1)
    for diff in (cut, binary, only_less, Diff("b", "a")):
        assert strategy_of(plan, diff).content == ""
    gone = Diff("b", "a", (FileDelta("x", "D", new_mode=NO_MODE, removed=3),))
    assert strategy_of(plan, gone).content == strategy_of(plan, replace(gone, head_sha="c")).content != ""


names = st.lists(st.text("abcd", min_size=1, max_size=3), max_size=5)
strategies = st.builds(
    Strategy,
    st.sampled_from(["feat", "fix"]),
    names.map(lambda some: tuple(sorted(set(some)))),
    names.map(lambda some: tuple(sorted(set(some)))),
    st.sampled_from(["", "x", "y"]),
)


@given(strategies, strategies)
def test_sameness_has_no_direction_and_holds_for_oneself(one: Strategy, other: Strategy) -> None:
    assert is_repeat(one, [one])
    assert is_repeat(one, [other]) == is_repeat(other, [one])
    assert is_repeat(one, [other, one])


@given(st.text(max_size=80), st.integers(0, 10**6))
def test_a_plan_is_known_whatever_case_and_numbers_it_has(text: str, number: int) -> None:
    plan = Plan(title="t", approach=f"{text} in {number} steps")
    again = Plan(title="t", approach=f"{text}  in {number + 1}\nsteps")
    assert is_repeat(strategy_of(plan), [strategy_of(again)])
