"""Sum up how deployments went: success, rollbacks, times to build, deploy, verify and restore."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import mean, median


class Outcome(StrEnum):
    """Say how a deployment ended."""

    DEPLOYED = "deployed"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeploymentFact:
    """Record one finished deployment; all times are aware, None where the moment never came.

    `requested_at` is when the task was asked for, `broken_at` when users began to suffer, `restored_at` when
    service was good again. Raises ValueError on times out of order.
    """

    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    requested_at: datetime | None = None
    broken_at: datetime | None = None
    restored_at: datetime | None = None
    build_seconds: float | None = None
    verify_seconds: float | None = None
    rate_before: float | None = None
    rate_after: float | None = None
    served: bool = True
    """Users got answers from it."""
    unplanned: bool = False
    """It repaired something that users suffered from."""

    def __post_init__(self) -> None:
        for first, second in ((self.started_at, self.finished_at), (self.broken_at, self.restored_at)):
            if first is not None and second is not None and second < first:
                raise ValueError(
                    f"A deployment ends at {second.isoformat()} before {first.isoformat()}; check the clocks."
                )
        if self.requested_at is not None and self.finished_at < self.requested_at:
            raise ValueError("A deployment ends before it was requested; check the clocks.")


@dataclass(frozen=True, slots=True)
class Metrics:
    """Hold the figures of some deployments; None where there is nothing to measure."""

    deployments: int
    success_rate: float | None
    rollback_rate: float | None
    deploy_seconds_mean: float | None
    deploy_seconds_max: float | None
    lead_seconds_median: float | None
    restore_seconds_mean: float | None
    build_seconds_mean: float | None = None
    verify_seconds_mean: float | None = None


def summarise(facts: Sequence[DeploymentFact]) -> Metrics:
    """Measure deployments: lead time counts from the request to a kept deploy, restore time from break to good."""
    count = len(facts)
    kept = [fact for fact in facts if fact.outcome is Outcome.DEPLOYED]
    back = [fact for fact in facts if fact.outcome is Outcome.ROLLED_BACK]
    deploy = [(fact.finished_at - fact.started_at).total_seconds() for fact in facts]
    lead = [(fact.finished_at - fact.requested_at).total_seconds() for fact in kept if fact.requested_at]
    restore = restore_seconds(facts)
    build = [fact.build_seconds for fact in facts if fact.build_seconds is not None]
    verify = [fact.verify_seconds for fact in facts if fact.verify_seconds is not None]
    return Metrics(
        deployments=count,
        success_rate=len(kept) / count if count else None,
        rollback_rate=len(back) / count if count else None,
        deploy_seconds_mean=mean(deploy) if deploy else None,
        deploy_seconds_max=max(deploy, default=None),
        lead_seconds_median=median(lead) if lead else None,
        restore_seconds_mean=mean(restore) if restore else None,
        build_seconds_mean=mean(build) if build else None,
        verify_seconds_mean=mean(verify) if verify else None,
    )


def restore_seconds(facts: Sequence[DeploymentFact]) -> list[float]:
    """Return how long each failed deployment was suffered, from the first bad answer to the last."""
    return [
        (fact.restored_at - fact.broken_at).total_seconds()
        for fact in facts
        if fact.broken_at and fact.restored_at
    ]
