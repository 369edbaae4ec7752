"""The five figures of DORA: throughput by lead time, frequency and recovery, instability by failures and rework.

Definitions as in DORA's guide of 2024 and later: change lead time, deployment frequency, failed deployment recovery
time, change fail rate, deployment rework rate. Two are read as follows. Lead time begins with the request, because
the commit is made later, by an agent; it is therefore an upper bound of commit-to-production. A deployment that never
served anybody (its build failed) counts for none of the five: production did not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from keelway.core.delivery.metrics import DeploymentFact, Outcome, restore_seconds


@dataclass(frozen=True)
class Dora:
    """Hold the five figures of one environment; None where there is nothing to measure."""

    deployments_per_day: float | None
    lead_seconds_median: float | None
    change_fail_rate: float | None
    recovery_seconds_median: float | None
    rework_rate: float | None


def dora(facts: Sequence[DeploymentFact], days: float) -> Dora:
    """Measure the deployments of some days."""
    served = [fact for fact in facts if fact.served]
    kept = [fact for fact in served if fact.outcome is Outcome.DEPLOYED]
    lead = [(fact.finished_at - fact.requested_at).total_seconds() for fact in kept if fact.requested_at]
    recovery = restore_seconds(served)
    count = len(served)
    bad = sum(fact.outcome is not Outcome.DEPLOYED for fact in served)
    return Dora(
        deployments_per_day=count / days if days > 0 else None,
        lead_seconds_median=median(lead) if lead else None,
        change_fail_rate=bad / count if count else None,
        recovery_seconds_median=median(recovery) if recovery else None,
        rework_rate=sum(fact.unplanned for fact in served) / count if count else None,
    )
