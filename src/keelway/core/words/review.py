"""The comment that shows a review beside the pull request."""

from __future__ import annotations

from keelway.core.model.task import Task
from keelway.core.review.review import Opinion, Remark, Reviewed
from keelway.core.words.pr import marker
from keelway.core.words.text import code, fenced, inline, short

_HEADS = {
    Opinion.COMMENT: "The reviewer comments.",
    Opinion.BLOCK: "The reviewer **blocks** the merge.",
}


def review_comment(task: Task, reviewed: Reviewed, mode: str) -> str:
    """Return the comment in Markdown; what the reviewer wrote is shown as it is and means nothing else.

    Args:
        task: that was reviewed.
        reviewed: what became of it.
        mode: ``policy.review.reviewer``.
    """
    review, what = reviewed.review, f"Review of {short(reviewed.head_sha)} by the reviewer role"
    if review is None:
        parts = [f"**{what}**: it could not review.", fenced(reviewed.fault)]
    else:
        parts = [f"**{what}**: {_HEADS[review.verdict]}", fenced(review.summary)]
        parts += [_remark(number, remark) for number, remark in enumerate(review.comments, 1)]
    parts.append(f"A review by an agent can only block or comment; here it is {inline(mode)}.")
    return "\n\n".join([*parts, marker(task)]) + "\n"


def _remark(number: int, remark: Remark) -> str:
    place = f" at {code(remark.place)}" if remark.place else ""
    return f"{number}. **{remark.severity.value}**{place}\n\n{fenced(remark.text)}"
