"""The ladder that a new set-up climbs: a person beside everything, low risk alone, then as the policy says.

It climbs by releases that hold and falls one step by a release that is taken back or a person's no.
It only ever takes away from what the policy allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from keelway.core.codec import digest
from keelway.core.model.lifecycle import Status
from keelway.core.policy import AutonomyPolicy, Policy
from keelway.core.rule.risk import at_most

REFUSED = frozenset({"approval_denied"})
"""Reasons of an end by which a person said that the work was not good."""


class Step(StrEnum):
    """Name the steps from the first to the last."""

    ASKED = "asked"
    LOW = "low"
    POLICY = "policy"


@dataclass(frozen=True)
class Setup:
    """Name everything that makes the same request end in another patch."""

    agent: str
    version: str
    provider: str
    model: str
    profile: str
    """Digest of how the agent is started and understood."""
    prompts: str
    """Digest of what it is told."""
    sandbox: str
    """Digest of what it is put behind."""

    @property
    def digest(self) -> str:
        """Return the digest that is recorded with each of its tasks."""
        return digest(self)


@dataclass(frozen=True)
class Standing:
    """Say where a set-up stands."""

    step: Step
    good: int
    """Releases that held and count."""
    needed: int
    """How many are needed for the last step."""
    falls: int = 0

    @property
    def sentence(self) -> str:
        """Return it in words."""
        way = {
            Step.ASKED: "a person is asked about every plan and merge",
            Step.LOW: "low risk goes on alone",
            Step.POLICY: "as the policy says",
        }[self.step]
        if not self.needed:
            return f"{way} (no ladder is set up)"
        fell = f", {self.falls} time(s) fallen" if self.falls else ""
        return f"{way} ({self.good} of {self.needed} releases held{fell})"


def end_of(status: Status, code: str) -> bool | None:
    """Return what an end says about the set-up: it held, it did not, or ``None`` when it says nothing."""
    if status is Status.DEPLOYED:
        return True
    if status is Status.ROLLED_BACK or code in REFUSED:
        return False
    return None


def standing_after(ends: Iterable[bool], policy: AutonomyPolicy) -> Standing:
    """Return where a set-up stands after its ends, the oldest first."""
    floors = (0, policy.asked_first, policy.asked_first + policy.low_first)
    good = falls = 0
    for held in ends:
        if held:
            good = min(good + 1, floors[-1])
            continue
        falls += 1
        good = max((floor for floor in floors if floor < floors[_place(good, floors)]), default=0)
    step = tuple(Step)[_place(good, floors)]
    return Standing(step, good, floors[-1], falls)


def _place(good: int, floors: tuple[int, ...]) -> int:
    """Return the highest step whose floor is reached."""
    return max(place for place, floor in enumerate(floors) if good >= floor)


def limited(policy: Policy, step: Step) -> Policy:
    """Return a policy under which no more goes on alone than a step lets."""
    if step is Step.POLICY:
        return policy
    limit = "low" if step is Step.LOW else "none"
    plan, review = policy.plan, policy.review
    return replace(
        policy,
        plan=replace(plan, auto_approve_risk=_lower(plan.auto_approve_risk, limit)),
        review=replace(review, auto_merge_risk=_lower(review.auto_merge_risk, limit)),
    )


def _lower(risk: str, limit: str) -> str:
    """Return the stricter of two lines; an unknown word lets nothing through."""
    return (
        risk if at_most(risk, limit) else ("none" if limit == "none" or not at_most("low", risk) else limit)
    )
