"""Say what is wrong with who may approve what, before anybody relies on it."""

from __future__ import annotations

from keelway.core.consent.people import people_problems
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.core.model.role import Stage
from keelway.core.model.task import Person
from keelway.core.policy import ReviewPolicy

STAGES = (Stage.PLANNING.value, Stage.REVIEW.value, STAGING, PRODUCTION)
EXPIRIES = ("deny", "wait", "escalate")


def consent_problems(people: tuple[Person, ...], review: ReviewPolicy) -> list[str]:
    """Return what would let a question be answered by nobody, or by somebody else than was meant."""
    problems = people_problems(people)
    problems += [
        f"policy.review.approve_stages: {stage!r} is no stage with a switch; there are {', '.join(STAGES)}"
        for stage in review.approve_stages
        if stage not in STAGES
    ]
    if review.approval_expiry not in EXPIRIES:
        problems.append(
            f"policy.review.approval_expiry: {review.approval_expiry!r} is none of {', '.join(EXPIRIES)}"
        )
    if review.approval_expiry == "escalate" and not review.escalate_to:
        problems.append("policy.review.escalate_to names nobody, so nothing could be escalated")
    return problems
