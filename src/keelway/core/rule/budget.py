"""How much a task may use, how long to wait before the next try, and when trying is pointless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keelway.core.codec import digest
from keelway.core.model.role import ROLE_OF, Role, Stage
from keelway.core.model.verdict import Finding, Ruling, failed, passed
from keelway.core.policy import DevBudget, OpsBudget, PlanBudget, Policy, ReviewBudget

_FIRST_DELAY_SECONDS = 1.0
_DELAY_SECONDS_MAX = 60.0
_DOUBLINGS_MAX = 10
_ITERATIONS_UNBOUNDED = 1_000_000
_VARYING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{7,64}\b|\d+(?:\.\d+)?|/tmp/\S+", re.IGNORECASE)

Budget = PlanBudget | DevBudget | ReviewBudget | OpsBudget


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


def budget_of(policy: Policy, role: Role) -> Budget:
    """Return what a role may use."""
    by_role: dict[Role, Budget] = {
        Role.PLAN: policy.budget.plan,
        Role.DEV: policy.budget.dev,
        Role.REVIEW: policy.budget.review,
        Role.OPS: policy.budget.ops,
    }
    return by_role[role]


def stage_limits(policy: Policy, stage: Stage, *, hotfix: bool = False) -> Limits:
    """Return the bounds of a stage, all its attempts together.

    The time for which a release has to be watched is no work and comes on top; a plan has its
    time anew for each round of remarks.
    """
    budget = budget_of(policy, ROLE_OF[stage])
    iterations_max, seconds = _ITERATIONS_UNBOUNDED, budget.attempt_seconds_max
    if stage is Stage.PLANNING:
        iterations_max = 1 + policy.plan.revisions_max
        seconds *= iterations_max
    elif stage is Stage.DEVELOPMENT:
        iterations_max = policy.development.iterations_max
    elif stage in {Stage.STAGING, Stage.PRODUCTION}:
        watched = policy.observation(stage.value, hotfix=hotfix)
        seconds += watched.window_seconds + watched.stabilise_seconds
    return Limits(budget.attempts_max, iterations_max, budget.attempts_max * seconds, budget.cost_usd_max)


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


def judge_again(faults: Sequence[Finding], attempts_max: int, same_fault_max: int) -> Finding:
    """Decide whether a stage is tried again after faults of the machine or the network in a row.

    Args:
        faults: how the tries so far ended, oldest first; one at least.
        attempts_max: how often the stage may be tried.
        same_fault_max: how many identical faults in a row are enough to stop sooner.
    """
    last, tries = faults[-1], len(faults)
    if is_stuck([failure_key([fault]) for fault in faults], same_fault_max) and tries > 1:
        said = f"{last.message} The same fault came {same_fault_max} times in a row."
        return failed(last.code, said, tries=str(tries))
    if tries >= attempts_max:
        said = last.message if tries == 1 else f"{last.message} The stage was tried {tries} times."
        return failed(last.code, said, tries=str(tries))
    return passed("again", f"Tried {tries} of {attempts_max} times: {last.message}", examined=tries)


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
