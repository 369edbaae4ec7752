"""Every threshold in force, with its default, its unit in its name and one sentence on it.

The reference page and the checks of ``keelway.toml`` are made from these classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from keelway.core.codec import digest

MINUTE_SECONDS = 60.0
DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class IntakePolicy:
    """Decide which requests become tasks."""

    allowed_triggers: str = "owner"
    """Who may ask: ``owner``, ``all`` or ``none``."""
    allowed_actors: tuple[str, ...] = ()
    """Names that may ask besides the owner."""
    domain_words: tuple[str, ...] = ()
    """A request must hold one of these words; empty accepts every development request."""
    request_chars_max: int = 8_000
    """The longest request that is read."""
    tasks_per_hour_max: int = 20
    """How many tasks may be opened in one hour, all requesters together."""


@dataclass(frozen=True)
class PlanBudget:
    """Bound what the role ``plan`` may use."""

    attempts_max: int = 2
    """How often an agent may try to write a valid plan, and the stage may be tried."""
    attempt_seconds_max: float = 2 * MINUTE_SECONDS
    """How long one attempt may take."""
    cost_usd_max: float = 1.0
    """What planning one task may cost in reported model use."""


@dataclass(frozen=True)
class DevBudget:
    """Bound what the role ``dev`` may use."""

    attempts_max: int = 2
    """How often the stage may be tried when the machine or the network fails."""
    attempt_seconds_max: float = 20 * MINUTE_SECONDS
    """How long one agent run may take; all attempts together bound the whole develop loop."""
    cost_usd_max: float = 5.0
    """What developing one task may cost in reported model use."""


@dataclass(frozen=True)
class ReviewBudget:
    """Bound what the role ``review`` may use."""

    attempts_max: int = 1
    """How often the stage may be tried when the machine or the network fails."""
    attempt_seconds_max: float = 15 * MINUTE_SECONDS
    """How long one attempt may take before the stage is not tried again."""
    cost_usd_max: float = 1.0
    """What reviewing one task may cost in reported model use."""


@dataclass(frozen=True)
class OpsBudget:
    """Bound what the role ``ops`` may use in each of its stages."""

    attempts_max: int = 2
    """How often a stage may be tried when the machine or the network fails."""
    attempt_seconds_max: float = 15 * MINUTE_SECONDS
    """How long one attempt may take; the time that a release is watched comes on top."""
    cost_usd_max: float = 1.0
    """What one of its stages may cost in reported model use."""


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


MOVED = {
    "policy.plan.attempts_max": "policy.budget.plan.attempts_max",
    "policy.plan.attempt_seconds_max": "policy.budget.plan.attempt_seconds_max",
    "policy.development.attempts_max": "policy.budget.dev.attempts_max",
    "policy.development.attempt_seconds_max": "policy.budget.dev.attempt_seconds_max",
    "policy.development.cost_usd_max": "policy.budget.dev.cost_usd_max",
}
"""Where a setting of an earlier version is now."""


@dataclass(frozen=True)
class PlanPolicy:
    """Decide which plans go on without a person."""

    auto_approve_risk: str = "low"
    """The highest risk that passes alone: ``none``, ``low`` or ``medium``."""
    lines_medium: int = 150
    """An estimate above this many changed lines is at least medium risk."""
    lines_high: int = 600
    """An estimate above this many changed lines is high risk."""
    revisions_max: int = 5
    """How many rounds of remarks a plan may go through."""


@dataclass(frozen=True)
class DevelopmentPolicy:
    """Bound the develop loop."""

    iterations_max: int = 10
    """How many times the agent may try before a person is asked."""
    typecheck_attempts_max: int = 3
    """How many iterations may end in a type-check failure."""
    same_failure_max: int = 2
    """Escalate when this many iterations in a row end in the identical failure."""
    silence_seconds_max: float = 5 * MINUTE_SECONDS
    """How long an agent may say nothing."""
    diff_coverage_min: float = 1.0
    """The share of changed executable lines that a passing test must run."""
    tool_calls_max: int = 200
    """How many tool calls one agent run may make."""


@dataclass(frozen=True)
class GuardrailPolicy:
    """State what a patch may not contain or touch."""

    forbidden: tuple[str, ...] = ()
    """Path patterns that nobody but a person may alter, besides the built-in ones."""
    owned: tuple[str, ...] = ()
    """Path patterns that need a person's approval, besides the built-in ones."""
    files_max: int = 50
    """The largest number of files in a patch."""
    lines_max: int = 2_000
    """The largest number of added and removed lines in a patch."""


@dataclass(frozen=True)
class ReviewPolicy:
    """Decide what is merged."""

    auto_merge_risk: str = "none"
    """The highest risk that merges without a person: ``none``, ``low`` or ``medium``."""
    ci_retries_max: int = 2
    """How often a failed review goes back to development."""
    approve_stages: tuple[str, ...] = ()
    """Stages that always need a person: ``planning``, ``review``, ``staging``, ``production``."""
    approval_seconds_max: float = 3 * DAY_SECONDS
    """After this time an unanswered question is answered by ``approval_expiry``."""
    approval_expiry: str = "deny"
    """What an unanswered question becomes: ``deny`` or ``wait``."""
    reminder_seconds: float = DAY_SECONDS / 3
    """How often a waiting question is repeated."""
    single_user: bool = True
    """Let the requester approve the own task; recorded with every such approval."""


@dataclass(frozen=True)
class ObservationPolicy:
    """Bound what a watched release may do to its users."""

    window_seconds: float = 15 * MINUTE_SECONDS
    """How long the release is watched before it is believed."""
    tick_seconds: float = 10.0
    """How often its numbers are read."""
    stabilise_seconds: float = 30.0
    """How long to wait after a deploy before the first verdict on numbers."""
    error_rate_max: float = 0.05
    """The share of failing requests that rolls back (made safe against small numbers)."""
    error_rate_relative_max: float = 0.5
    """The relative growth of the error rate that rolls back (made safe likewise)."""
    burst_errors_max: int = 10
    """New errors within the burst window that roll back (made safe likewise)."""
    burst_window_seconds: float = 5 * MINUTE_SECONDS
    """The length of the burst window."""
    probe_failures_max: int = 3
    """Failed health probes in a row that roll back at once."""
    alpha: float = 0.01
    """The accepted probability of rolling back a healthy release."""
    history_seconds: float = 3_600.0
    """How much of the past is the baseline."""
    on_inconclusive: str = "hold"
    """What too little evidence means: ``hold`` asks a person, ``pass`` goes on and says so."""
    measure_errors_max: int = 3
    """How many failed readings in a row are a failure."""


@dataclass(frozen=True)
class RollbackPolicy:
    """Decide how far back a failed release is taken."""

    automatic: bool = True
    """Roll back without asking when the verdict says so."""
    rollback_migrations: bool = True
    """Run down-migrations when the old release does not fit the new schema."""
    restore_data: str = "ask"
    """Restoring a backup loses later writes: ``ask``, ``never`` or ``always``."""
    health_seconds_max: float = 60.0
    """How long the restored release may take to be healthy."""


@dataclass(frozen=True)
class WatchPolicy:
    """Bound the watch after a release went live."""

    watch_seconds: float = DAY_SECONDS
    """How long a live release stays tied to its task."""
    interval_seconds: float = 15 * MINUTE_SECONDS
    """The time between two checks."""
    rollback_armed: bool = False
    """Roll back on an anomaly instead of alerting only."""


@dataclass(frozen=True)
class HotfixPolicy:
    """Shorten the way of an urgent production fix; no gate is left out."""

    staging_window_seconds: float = MINUTE_SECONDS
    """How long staging is watched."""
    production_window_seconds: float = 5 * MINUTE_SECONDS
    """How long production is watched."""


@dataclass(frozen=True)
class ArtefactPolicy:
    """Bound what is kept."""

    inline_bytes_max: int = 5_000_000
    """Larger artefacts are kept as files by hash."""
    retention_days: int = 7
    """How long artefacts are kept; audit records are never removed."""
    log_days: int = 30
    """How long log lines and the samples of watched deployments are kept."""
    run_days: int = 30
    """How long the engine's records of ended stories are kept."""


@dataclass(frozen=True)
class AlertPolicy:
    """State when the figures of the last 30 days call for a person."""

    success_rate_min: float = 0.90
    """Alert below this share of successful deployments."""
    rollback_rate_max: float = 0.10
    """Alert above this share of rolled-back deployments."""
    deploy_seconds_max: float = 5 * MINUTE_SECONDS
    """Alert when a deployment takes longer."""


def _staging() -> ObservationPolicy:
    return ObservationPolicy(window_seconds=5 * MINUTE_SECONDS, error_rate_max=0.01, on_inconclusive="pass")


@dataclass(frozen=True)
class Policy:
    """Hold every threshold in force for one project."""

    intake: IntakePolicy = field(default_factory=IntakePolicy)
    plan: PlanPolicy = field(default_factory=PlanPolicy)
    development: DevelopmentPolicy = field(default_factory=DevelopmentPolicy)
    guardrail: GuardrailPolicy = field(default_factory=GuardrailPolicy)
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    staging: ObservationPolicy = field(default_factory=_staging)
    production: ObservationPolicy = field(default_factory=ObservationPolicy)
    rollback: RollbackPolicy = field(default_factory=RollbackPolicy)
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    hotfix: HotfixPolicy = field(default_factory=HotfixPolicy)
    artefact: ArtefactPolicy = field(default_factory=ArtefactPolicy)
    alert: AlertPolicy = field(default_factory=AlertPolicy)

    def observation(self, environment: str, *, hotfix: bool) -> ObservationPolicy:
        """Return the bounds of an environment, shortened for a hotfix."""
        production = environment == "production"
        bounds = self.production if production else self.staging
        short = self.hotfix.production_window_seconds if production else self.hotfix.staging_window_seconds
        return replace(bounds, window_seconds=min(bounds.window_seconds, short)) if hotfix else bounds

    @property
    def digest(self) -> str:
        """Return the digest that approvals and verdicts name."""
        return digest(self)
