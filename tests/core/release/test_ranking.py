"""The menu of releases to go back to, ranked by evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.release.rollback import DeploymentFact, rank_targets

AT = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(release: str, day: int, **change: object) -> DeploymentFact:
    fact = DeploymentFact(
        id=f"dep-{release}-{day}",
        environment="production",
        release=release,
        sha=release * 10,
        status="superseded",
        healthy_seconds=100_000.0,
        requests=5_000,
        schema_version="0003",
        artefact_present=True,
        finished_at=AT + timedelta(days=day),
    )
    return replace(fact, **change)


def ranked(*history: DeploymentFact, **options: object) -> list[str]:
    found = rank_targets(
        history,
        current="now",
        quarantined=frozenset(options.pop("quarantined", ())),
        schema_version="0003",
        **options,
    )
    return [target.release for target in found]


def test_of_equal_evidence_the_younger_comes_first() -> None:
    history = [deployment("a", 1), deployment("b", 2), deployment("now", 3)]
    assert ranked(*history) == ["b", "a"]
    target = rank_targets(history, current="now", quarantined=frozenset(), schema_version="0003")[0]
    assert (target.previous, target.schema_fits, target.score, target.deployment) == (
        True,
        True,
        3.0,
        "dep-b-2",
    )
    assert target.reasons == (
        "the release before this one",
        "healthy for 27.8 hours",
        "served 5000 requests",
        "schema 0003 fits",
        "its artefact is there",
    )


def test_a_fitting_schema_outranks_more_evidence() -> None:
    assert ranked(deployment("a", 2, schema_version="0002"), deployment("b", 1, healthy_seconds=60.0)) == [
        "b",
        "a",
    ]


def test_more_evidence_outranks_youth() -> None:
    assert ranked(deployment("a", 1), deployment("b", 2, healthy_seconds=60.0)) == ["a", "b"]


def test_evidence_of_several_runs_adds_up() -> None:
    half = {"healthy_seconds": 43_200.0, "requests": 500}
    targets = rank_targets(
        [deployment("a", 1, **half), deployment("a", 3, **half)],
        current="now",
        quarantined=frozenset(),
        schema_version="",
    )
    assert (targets[0].score, targets[0].deployment) == (3.0, "dep-a-3")
    assert "schema 0003 differs from unknown" in targets[0].reasons


@pytest.mark.parametrize(
    "change",
    [
        {"status": "failed"},
        {"status": "strange"},
        {"status": "rolled_back"},
        {"healthy_seconds": 0.0},
        {"artefact_present": False},
    ],
)
def test_what_is_left_out(change: dict[str, object]) -> None:
    assert ranked(deployment("a", 1, **change)) == []


def test_a_release_that_was_taken_back_once_stays_out() -> None:
    assert ranked(deployment("a", 1), deployment("a", 2, status="rolled_back")) == []
    assert ranked(deployment("a", 1), quarantined=["a" * 10]) == []
    assert ranked(deployment("now", 1)) == []


def test_the_menu_is_short_and_undated_runs_come_last() -> None:
    history = [deployment(name, day) for day, name in enumerate("abcdef")]
    assert ranked(*history) == ["f", "e", "d", "c"]
    assert ranked(*history, limit=-1) == []
    assert ranked(deployment("a", 1, finished_at=None), deployment("b", 0)) == ["b", "a"]
    assert "schema unknown differs from 0003" in str(
        rank_targets(
            [deployment("a", 1, schema_version="")],
            current="x",
            quarantined=frozenset(),
            schema_version="0003",
        )
    )


@given(st.permutations([deployment(name, day) for day, name in enumerate("abcd")]))
def test_the_order_of_the_history_does_not_matter(history: list[DeploymentFact]) -> None:
    assert ranked(*history) == ["d", "c", "b", "a"]
