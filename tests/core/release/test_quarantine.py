"""A commit that was taken back comes along only with its revert."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.verdict import Ruling, combine
from keelway.core.release.quarantine import CarriedCommit, contains_quarantined

carried = st.builds(CarriedCommit, st.just("a" * 40), st.booleans(), st.booleans())


def test_an_empty_quarantine_lets_everything_through() -> None:
    assert combine("release", [contains_quarantined([])]).passed


def test_the_bad_commit_is_named() -> None:
    finding = contains_quarantined(
        [CarriedCommit("a" * 40, True, False), CarriedCommit("b" * 40, True, True)]
    )
    assert (finding.code, finding.ruling, finding.examined) == ("quarantined", Ruling.FAIL, 2)
    assert "1 quarantined" in finding.message
    assert "a" * 12 in finding.message


@given(st.lists(carried))
def test_it_fails_exactly_when_one_is_carried_without_its_revert(facts: list[CarriedCommit]) -> None:
    bad = any(fact.contains_bad and not fact.contains_revert for fact in facts)
    assert (contains_quarantined(facts).ruling is Ruling.FAIL) == bad
