"""A review blocks, holds or leaves things as they are; it never opens a gate."""

from __future__ import annotations

import pytest

from keelway.core.model.verdict import Ruling
from keelway.core.review.judge import judge_review, remarks_of
from keelway.core.review.review import Opinion, Remark, Review, Reviewed, Weight

REMARKS = (Remark("a.py", 3, Weight.CRITICAL, "leaks\nhere"), Remark("", 0, Weight.NOTE, "long"))
BLOCK = Reviewed("a" * 40, 1, Review(Opinion.BLOCK, "It leaks\nand @ann knows.", REMARKS))
COMMENT = Reviewed("a" * 40, 1, Review(Opinion.COMMENT, "Fine.", REMARKS[1:]))
NONE = Reviewed("a" * 40, 1, None, "The answer holds no JSON object.")


@pytest.mark.parametrize(
    ("reviewed", "mode", "code", "ruling"),
    [
        (BLOCK, "required", "review_blocked", Ruling.FAIL),
        (COMMENT, "required", "review_done", Ruling.PASS),
        (NONE, "required", "review_unreadable", Ruling.HOLD),
        (BLOCK, "advisory", "review_advice", Ruling.PASS),
        (COMMENT, "advisory", "review_advice", Ruling.PASS),
        (NONE, "advisory", "review_advice", Ruling.PASS),
        (BLOCK, "requird", "review_blocked", Ruling.FAIL),
        (NONE, "requird", "review_unreadable", Ruling.HOLD),
    ],
)
def test_what_a_review_means(reviewed: Reviewed, mode: str, code: str, ruling: Ruling) -> None:
    finding = judge_review(reviewed, mode)
    assert (finding.code, finding.ruling) == (code, ruling)


def test_the_sentence_says_how_much_and_what() -> None:
    assert (
        judge_review(BLOCK, "required").message
        == "The reviewer blocks, with 2 remarks: It leaks and @ann knows."
    )
    assert judge_review(COMMENT, "required").message == "The reviewer comments, with 1 remark: Fine."
    assert judge_review(NONE, "advisory").message == (
        "The reviewer could not review: The answer holds no JSON object. By policy that is advice only."
    )


def test_remarks_become_findings_for_the_fixer() -> None:
    first, second = remarks_of(BLOCK)
    assert (first.code, first.message) == ("review_remark", "The reviewer says: leaks\nhere")
    assert first.evidence == {"severity": "critical", "path": "a.py", "line": "3"}
    assert second.evidence == {"severity": "note"}
    assert {first.ruling, second.ruling} == {Ruling.FAIL}
    assert remarks_of(NONE) == ()
