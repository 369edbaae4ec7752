"""How much a task may use, how long to wait before the next try, and when trying is pointless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keelway.core.codec import digest
from keelway.core.model.verdict import Finding, Ruling, failed, passed
from keelway.core.policy import DevelopmentPolicy, PlanPolicy

_FIRST_DELAY_SECONDS = 1.0
_DELAY_SECONDS_MAX = 60.0
_DOUBLINGS_MAX = 10
_VARYING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{7,64}\b|\d+(?:\.\d+)?|/tmp/\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Spent:
    """Count what a stage has used so far, all attempts together."""

    attempts: int = 0
    iterations: int = 0
    seconds: float = 0.0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Limits:
    """Bound what a stage may use; reaching a bound spends it."""

    attempts_max: int
    iterations_max: int
    seconds_max: float
    cost_usd_max: float


def development_limits(policy: DevelopmentPolicy) -> Limits:
    """Return the bounds of the develop loop."""
    seconds = policy.attempts_max * policy.attempt_seconds_max
    return Limits(policy.attempts_max, policy.iterations_max, seconds, policy.cost_usd_max)


def planning_limits(policy: PlanPolicy, cost_usd_max: float) -> Limits:
    """Return the bounds of planning; a round of remarks is an iteration."""
    seconds = policy.attempts_max * policy.attempt_seconds_max * (1 + policy.revisions_max)
    return Limits(policy.attempts_max, 1 + policy.revisions_max, seconds, cost_usd_max)


def judge_spent(spent: Spent, limits: Limits) -> Finding:
    """Decide whether another try may begin; more spent never opens what was shut."""
    used = (
        ("attempts", spent.attempts, limits.attempts_max),
        ("iterations", spent.iterations, limits.iterations_max),
        ("seconds", spent.seconds, limits.seconds_max),
        ("US dollars", spent.cost_usd, limits.cost_usd_max),
    )
    over = [f"{amount:g} of {limit:g} {unit}" for unit, amount, limit in used if not amount < limit]
    if over:
        return failed("budget_spent", f"The budget is spent: {', '.join(over)}. Next: keelway retry.")
    left = ", ".join(f"{amount:g} of {limit:g} {unit}" for unit, amount, limit in used)
    return passed("budget_left", f"Used {left}.", examined=len(used))


def next_delay_seconds(attempt: int) -> float:
    """Return how long to wait after failed attempt number ``attempt``: 1, 2, 4 ... at most 60 seconds."""
    if attempt < 1:
        return 0.0
    return min(_DELAY_SECONDS_MAX, _FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, _DOUBLINGS_MAX))


def failure_key(findings: Iterable[Finding]) -> str:
    """Return the identity of a failure; numbers, hashes and temporary paths do not matter.

    Nothing that keeps a gate shut among the findings gives the empty key.
    """
    shut = {
        (finding.code, _VARYING.sub("#", finding.message))
        for finding in findings
        if finding.ruling is not Ruling.PASS or finding.examined < 1
    }
    return digest(sorted(shut)) if shut else ""


def is_stuck(keys: Sequence[str], same_failure_max: int) -> bool:
    """Tell whether the last ``same_failure_max`` iterations all ended in one and the same failure."""
    last = keys[-same_failure_max:] if same_failure_max > 0 else ()
    return len(last) == same_failure_max > 0 and bool(last[0]) and len(set(last)) == 1
