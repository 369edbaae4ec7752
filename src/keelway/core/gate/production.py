"""Stage 6: did production keep its limits for the whole window?"""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.gate.observed import Observed, judge_exceptions, judge_numbers, required
from keelway.core.model.verdict import Finding, Verdict, combine, failed, passed
from keelway.core.policy import ObservationPolicy


@dataclass(frozen=True, kw_only=True)
class ProductionFacts:
    """Hold what was seen of a release in production."""

    probes: tuple[Finding, ...]
    acceptance: tuple[Finding, ...]
    acceptance_expected: int
    """How many acceptance probes the plan holds; fewer results are a failure."""
    limits: tuple[Finding, ...]
    """The hard limits: error rate, burst, memory, restarts."""
    workers: tuple[Finding, ...]
    """Queues and workers, one finding each."""
    workers_expected: int
    """How many queues and workers are configured; 0 for an application without any."""
    new_exceptions: tuple[str, ...]
    judgement: Observed
    measure_errors: int
    """Failed readings in a row."""


def judge_production(facts: ProductionFacts, policy: ObservationPolicy) -> Verdict:
    """Decide whether the release stays; FAIL means the automatic way back."""
    findings = [
        *required(facts.probes, "probe"),
        *required(facts.acceptance, "acceptance", facts.acceptance_expected),
        *required(facts.limits, "limit"),
        *required(facts.workers, "worker", facts.workers_expected),
        judge_exceptions(facts.new_exceptions),
        judge_numbers(facts.judgement, policy),
        _readings(facts.measure_errors, policy.measure_errors_max),
    ]
    return combine("production", findings)


def _readings(errors: int, limit: int) -> Finding:
    if errors >= limit:
        return failed("measure_failed", f"{errors} readings in a row failed; {limit} count as a failure.")
    return passed("measured", f"{errors} of at most {limit - 1} readings in a row failed.")
