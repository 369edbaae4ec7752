"""What a reviewer says about a change: it can comment or block, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from keelway.core.answer import read_answer
from keelway.core.errors import TheirFault
from keelway.core.model.plan import is_plain_path

COMMENTS_MAX = 30
TEXT_CHARS_MAX = 1_000
LINE_MAX = 10_000_000


class Opinion(StrEnum):
    """Name the two things that a reviewer can say; there is no approval among them."""

    COMMENT = "comment"
    BLOCK = "block"


class Weight(StrEnum):
    """Rank how much a remark matters, from least to most."""

    NOTE = "note"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


GRAVE = frozenset({Weight.MAJOR, Weight.CRITICAL})
"""Weights that a block must name at least one of."""


@dataclass(frozen=True)
class Remark:
    """Say what is wrong at one place."""

    path: str
    """Empty when it is about the whole change."""
    line: int
    """Line in the new file; 0 when it is about the whole file."""
    severity: Weight
    text: str

    @property
    def place(self) -> str:
        """Return ``path:line`` as far as it is known."""
        return f"{self.path}:{self.line}" if self.path and self.line else self.path


@dataclass(frozen=True)
class Review:
    """Hold the answer of a reviewer; no field has a default, so that none can be forgotten."""

    verdict: Opinion
    summary: str
    comments: tuple[Remark, ...]


@dataclass(frozen=True)
class Reviewed:
    """Say what became of the review of one commit under one plan."""

    head_sha: str
    plan_version: int
    review: Review | None
    """``None`` when the reviewer could not review."""
    fault: str = ""
    """Why there is no review."""

    def about(self, head_sha: str, plan_version: int) -> bool:
        """Tell whether this is the review of exactly this commit under exactly this plan."""
        return (self.head_sha, self.plan_version) == (head_sha, plan_version)


def parse_review(text: str) -> Review:
    """Read a review from an agent's answer: the last JSON object in it, strictly checked.

    Raises:
        TheirFault: it is none; the message can be given back to the agent as it is.
    """
    review = read_answer(Review, text, "review")
    problem = next(_problems(review), "")
    if problem:
        raise TheirFault("review_invalid", f"The review cannot be used: {problem}.")
    return review


def _problems(review: Review) -> Iterator[str]:
    if not review.summary.strip():
        yield "$.summary: empty"
    if len(review.summary) > TEXT_CHARS_MAX:
        yield f"$.summary: {len(review.summary)} characters, longer than {TEXT_CHARS_MAX}"
    if len(review.comments) > COMMENTS_MAX:
        yield f"$.comments: {len(review.comments)} entries, more than {COMMENTS_MAX}"
    for number, remark in enumerate(review.comments):
        yield from _wrong(remark, f"$.comments[{number}]")
    if review.verdict is Opinion.BLOCK and not any(remark.severity in GRAVE for remark in review.comments):
        yield '$.comments: a block must name at least one "major" or "critical" comment'


def _wrong(remark: Remark, where: str) -> Iterator[str]:
    if remark.path and not is_plain_path(remark.path):
        yield f"{where}.path: not a plain path inside the repository: {remark.path!r}"
    if not 0 <= remark.line <= LINE_MAX:
        yield f"{where}.line: {remark.line} is no line"
    if not remark.text.strip():
        yield f"{where}.text: empty"
    if len(remark.text) > TEXT_CHARS_MAX:
        yield f"{where}.text: {len(remark.text)} characters, longer than {TEXT_CHARS_MAX}"
