"""What each role, each task, each day and the project may use of tries, time and money."""

from __future__ import annotations

from dataclasses import dataclass, field

from keelway.core.policy.unit import MINUTE_SECONDS


@dataclass(frozen=True)
class PlanBudget:
    """Bound what the role ``plan`` may use."""

    attempts_max: int = 2
    """How often an agent may try to write a valid plan, and the stage may be tried."""
    attempt_seconds_max: float = 2 * MINUTE_SECONDS
    """How long one attempt may take."""
    cost_usd_max: float = 1.0
    """What planning one task may cost in model use before a person is asked."""


@dataclass(frozen=True)
class DevBudget:
    """Bound what the role ``dev`` may use."""

    attempts_max: int = 2
    """How often the stage may be tried when the machine or the network fails."""
    attempt_seconds_max: float = 20 * MINUTE_SECONDS
    """How long one agent run may take; all attempts together bound the whole develop loop."""
    cost_usd_max: float = 5.0
    """What developing one task may cost in model use before a person is asked."""


@dataclass(frozen=True)
class ReviewBudget:
    """Bound what the role ``review`` may use."""

    attempts_max: int = 1
    """How often the stage may be tried when the machine or the network fails."""
    attempt_seconds_max: float = 15 * MINUTE_SECONDS
    """How long one attempt may take before the stage is not tried again."""
    cost_usd_max: float = 1.0
    """What reviewing one task may cost in model use before a person is asked."""


@dataclass(frozen=True)
class OpsBudget:
    """Bound what the role ``ops`` may use in each of its stages."""

    attempts_max: int = 2
    """How often a stage may be tried when the machine or the network fails."""
    attempt_seconds_max: float = 15 * MINUTE_SECONDS
    """How long one attempt may take; the time that a release is watched comes on top."""
    cost_usd_max: float = 1.0
    """What one of its stages may cost in model use before a person is asked."""


@dataclass(frozen=True)
class BudgetPolicy:
    """Bound what each role may use of tries, time and money; a gate's no is never tried again."""

    plan: PlanBudget = field(default_factory=PlanBudget)
    """The budget of planning."""
    dev: DevBudget = field(default_factory=DevBudget)
    """The budget of development."""
    review: ReviewBudget = field(default_factory=ReviewBudget)
    """The budget of the review."""
    ops: OpsBudget = field(default_factory=OpsBudget)
    """The budget of staging, of production and of the report, each."""
    same_fault_max: int = 2
    """Escalate when this many tries of a stage in a row end in the identical fault."""
    task_cost_usd_max: float = 0.0
    """What one task may cost in model use, all roles together, before a person is asked; 0 is no bound."""
    task_tokens_max: int = 0
    """How many tokens one task may use before a person is asked; 0 is no bound."""
    extra_share: float = 0.5
    """How much more one yes of a person allows, as a share of the cap; 0 ends the task instead of asking."""


@dataclass(frozen=True)
class GatewayPolicy:
    """Bound what all tasks together may use of models."""

    day_usd_max: float = 0.0
    """What all tasks of one day (UTC) may cost before a person is asked; 0 is no bound."""
    project_usd_max: float = 0.0
    """What all tasks ever may cost before a person is asked; 0 is no bound."""
    silence_seconds_max: float = 5 * MINUTE_SECONDS
    """How long a model provider may send nothing before its request is given up."""


MOVED = {
    "policy.plan.attempts_max": "policy.budget.plan.attempts_max",
    "policy.plan.attempt_seconds_max": "policy.budget.plan.attempt_seconds_max",
    "policy.development.attempts_max": "policy.budget.dev.attempts_max",
    "policy.development.attempt_seconds_max": "policy.budget.dev.attempt_seconds_max",
    "policy.development.cost_usd_max": "policy.budget.dev.cost_usd_max",
}
"""Where a setting of an earlier version is now."""
