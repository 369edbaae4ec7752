"""What runs is compared with what the book says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.core.model.verdict import Ruling
from keelway.core.release.drift import DriftFacts, Seen, judge_drift, refuse_drift
from keelway.core.release.standing import Standing

BOOK = Standing("r-a", "aaaa", "d-a", "t-a", 3)
SEEN = Seen(True, "r-a", "aaaa", 3, (), 4)
SAME = DriftFacts(environment="production", book=BOOK, epoch=4, seen=SEEN)


def wrong(facts: DriftFacts) -> list[str]:
    findings = judge_drift(facts)
    assert findings
    assert all(finding.examined for finding in findings)
    return [finding.code for finding in findings if finding.ruling is not Ruling.PASS]


def test_what_is_the_same_passes() -> None:
    assert wrong(SAME) == []
    assert len(judge_drift(SAME)) == 6
    assert wrong(replace(SAME, book=Standing(), seen=Seen())) == []


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"seen": replace(SEEN, active="r-b")}, ["release_differs"]),
        ({"seen": replace(SEEN, active="")}, ["nothing_runs"]),
        ({"book": Standing()}, ["release_unrecorded"]),
        ({"seen": replace(SEEN, sha="bbbb")}, ["commit_differs"]),
        ({"seen": replace(SEEN, beside=("r-b",))}, ["traffic_split"]),
        ({"seen": replace(SEEN, schema=4)}, ["schema_differs"]),
        ({"seen": replace(SEEN, epoch=5)}, ["epoch_unknown"]),
        ({"branches": ("main",)}, ["branch_moved"]),
        ({"book": Standing(unsure=True)}, ["unsure"]),
        ({"seen": Seen(asked=False, detail="no front")}, ["not_asked"]),
        ({"seen": Seen(asked=False)}, ["not_asked"]),
        ({"book": replace(BOOK, moving=("r-b",))}, ["moving"]),
    ],
)
def test_what_differs_is_named(change: dict[str, object], codes: list[str]) -> None:
    assert wrong(replace(SAME, **change)) == codes  # type: ignore[arg-type]


def test_what_nobody_knows_is_not_compared() -> None:
    unknown = replace(SAME, seen=replace(SEEN, sha="", schema=None))
    assert wrong(unknown) == []
    assert sum("Not comparable" in finding.message for finding in judge_drift(unknown)) == 2


@pytest.mark.parametrize(
    ("book", "active", "refused"),
    [
        (BOOK, "r-a", False),
        (BOOK, "", False),
        (BOOK, "r-new", False),
        (BOOK, "r-b", True),
        (replace(BOOK, moving=("r-b",)), "r-b", False),
        (Standing(), "r-b", False),
        (Standing(unsure=True), "r-b", False),
    ],
)
def test_a_deployment_is_refused_onto_what_was_changed_by_hand(
    book: Standing, active: str, refused: bool
) -> None:
    found = refuse_drift(book, Seen(active=active), "r-new")
    assert (found.ruling is Ruling.FAIL) is refused
