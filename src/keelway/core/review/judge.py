"""What a review means for the merge gate: it lowers trust or leaves it, and never gives any."""

from __future__ import annotations

from keelway.core.model.verdict import Finding, Ruling, failed, held, passed
from keelway.core.review.review import Opinion, Remark, Review, Reviewed

_SHOWN_CHARS_MAX = 500

OFF, ADVISORY, REQUIRED = "off", "advisory", "required"


def judge_review(reviewed: Reviewed, mode: str) -> Finding:
    """Judge what became of a review.

    Args:
        reviewed: of exactly the commit that is to be merged.
        mode: ``policy.review.reviewer``; anything but ``advisory`` counts as ``required``.
    """
    review = reviewed.review
    if mode == ADVISORY:
        return passed("review_advice", f"{_said(reviewed)} By policy that is advice only.")
    if review is None:
        return held("review_unreadable", _said(reviewed), examined=0)
    if review.verdict is Opinion.BLOCK:
        return failed("review_blocked", _said(reviewed), examined=max(1, len(review.comments)))
    return passed("review_done", _said(reviewed), examined=max(1, len(review.comments)))


def remarks_of(reviewed: Reviewed) -> tuple[Finding, ...]:
    """Return the remarks of a review as findings for whoever has to correct the change."""
    review = reviewed.review
    return tuple(map(_finding, review.comments)) if review is not None else ()


def _finding(remark: Remark) -> Finding:
    evidence = {"severity": remark.severity.value, "path": remark.path}
    evidence["line"] = str(remark.line) if remark.path and remark.line else ""
    said = f"The reviewer says: {remark.text}"
    return Finding("review_remark", Ruling.FAIL, said, evidence={k: v for k, v in evidence.items() if v})


def _said(reviewed: Reviewed) -> str:
    review = reviewed.review
    if review is None:
        return f"The reviewer could not review: {_one_line(reviewed.fault)}"
    verb = "blocks" if review.verdict is Opinion.BLOCK else "comments"
    return f"The reviewer {verb}, with {_count(review)}: {_one_line(review.summary)}"


def _count(review: Review) -> str:
    count = len(review.comments)
    return f"{count} remark{'' if count == 1 else 's'}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN_CHARS_MAX]
