"""Sum up how deployments went: success, rollbacks, deploy time, lead time and time to restore."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import mean, median

SUCCESS_RATE_MIN = 0.9
ROLLBACK_RATE_MAX = 0.1
DEPLOY_SECONDS_MAX = 300.0


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


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """Hold the limits from which people are alerted."""

    success_rate_min: float = SUCCESS_RATE_MIN
    rollback_rate_max: float = ROLLBACK_RATE_MAX
    deploy_seconds_max: float = DEPLOY_SECONDS_MAX


def summarise(facts: Sequence[DeploymentFact]) -> Metrics:
    """Measure deployments: lead time counts from the request to a kept deploy, restore time from break to good."""
    count = len(facts)
    kept = [fact for fact in facts if fact.outcome is Outcome.DEPLOYED]
    back = [fact for fact in facts if fact.outcome is Outcome.ROLLED_BACK]
    deploy = [(fact.finished_at - fact.started_at).total_seconds() for fact in facts]
    lead = [(fact.finished_at - fact.requested_at).total_seconds() for fact in kept if fact.requested_at]
    restore = [
        (fact.restored_at - fact.broken_at).total_seconds()
        for fact in facts
        if fact.broken_at and fact.restored_at
    ]
    return Metrics(
        deployments=count,
        success_rate=len(kept) / count if count else None,
        rollback_rate=len(back) / count if count else None,
        deploy_seconds_mean=mean(deploy) if deploy else None,
        deploy_seconds_max=max(deploy, default=None),
        lead_seconds_median=median(lead) if lead else None,
        restore_seconds_mean=mean(restore) if restore else None,
    )


def alerts(metrics: Metrics, limits: AlertLimits) -> tuple[str, ...]:
    """Name every limit that the figures break, one sentence each; figures that do not exist break none."""
    found: list[str] = []
    if metrics.success_rate is not None and metrics.success_rate < limits.success_rate_min:
        found.append(
            f"{metrics.success_rate:.0%} of deployments succeeded; alert below {limits.success_rate_min:.0%}."
        )
    if metrics.rollback_rate is not None and metrics.rollback_rate > limits.rollback_rate_max:
        found.append(
            f"{metrics.rollback_rate:.0%} of deployments were rolled back; alert above {limits.rollback_rate_max:.0%}."
        )
    if metrics.deploy_seconds_max is not None and metrics.deploy_seconds_max > limits.deploy_seconds_max:
        found.append(
            f"A deployment took {metrics.deploy_seconds_max:.0f} s; alert above {limits.deploy_seconds_max:.0f} s."
        )
    return tuple(found)
