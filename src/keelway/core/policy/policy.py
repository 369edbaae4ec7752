"""The policy as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from keelway.core.codec import digest, to_json
from keelway.core.policy.budget import BudgetPolicy, GatewayPolicy
from keelway.core.policy.category import AutonomyPolicy, CategoryPolicy
from keelway.core.policy.record import AlertPolicy, ArtefactPolicy
from keelway.core.policy.release import (
    HotfixPolicy,
    MigrationPolicy,
    ObservationPolicy,
    RollbackPolicy,
    WatchPolicy,
)
from keelway.core.policy.unit import MINUTE_SECONDS
from keelway.core.policy.work import (
    DependencyPolicy,
    DevelopmentPolicy,
    GuardrailPolicy,
    IntakePolicy,
    PlanPolicy,
    ReviewPolicy,
    ScanPolicy,
)

LATER: dict[str, Any] = {
    "budget.task_cost_usd_max": 0.0,
    "budget.task_tokens_max": 0,
    "budget.extra_share": 0.5,
    "gateway.day_usd_max": 0.0,
    "gateway.project_usd_max": 0.0,
    "review.reviewer": "off",
    "review.escalate_to": [],
    "review.escalation_seconds_max": 86_400.0,
    "dependency.age_days_min": 90,
    "dependency.licences": [
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT"),
        *("MIT-0", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    ],
    "dependency.hosts": [
        *("pypi.org", "files.pythonhosted.org", "registry.npmjs.org", "repo.packagist.org", "github.com"),
        "api.github.com",
    ],
    "scan.tools": ["known_secrets"],
    "scan.seconds_max": 120.0,
    "scan.rules": "",
    "scan.feed": "",
    "gateway.silence_seconds_max": 300.0,
    "artefact.lessons_max": 5_000,
    "artefact.backup_days": 30,
    "artefact.backups_min": 5,
    "migration.dry_run": "production",
    "migration.seconds_max": 300.0,
    "migration.lock_seconds_max": 10.0,
    "guardrail.bytes_max": 4_000_000,
    "category.never_auto_deploy": [
        *("schema", "auth", "environment", "breaking API", "dependency", "security"),
    ],
    "category.always_review": ["payment", "user data", "crypto", "CORS", "rate limit"],
    "category.auto_safe": ["fix", "refactor", "docs"],
    "category.deploy_consent": "merge",
    "category.paths": {},
    "plan.files_medium": 20,
    "autonomy.asked_first": 0,
    "autonomy.low_first": 0,
    "development.black_box": "when_configured",
    "development.flaky_runs": 3,
    "development.flaky_max": 3,
    "development.undo": True,
    "rollback.drill_hours_max": 0.0,
    "watch.regression_probes_max": 50,
    "alert.error_rate_rise_max": 0.5,
    "alert.success_rate_target": 0.95,
    "alert.rollback_rate_target": 0.05,
    "alert.deploy_seconds_target": 180.0,
    "alert.verify_seconds_target": 960.0,
    **{
        f"{environment}.{name}": value
        for environment in ("staging", "production")
        for name, value in (
            ("restarts_max", 2),
            ("memory_mb_max", 0.0),
            ("exhaust_seconds_min", 3_600.0),
            ("turned_away_share_max", 0.5),
            ("synthetic_requests", 0),
        )
    },
}
"""Settings that came after the first version, such as ``"review.reviewer"``, with the default they came with.

As long as one has that default the digest is the one from before it came: an upgrade asks nobody
again, and a run that is under way finds the answers it was given.
"""


def _staging() -> ObservationPolicy:
    return ObservationPolicy(window_seconds=5 * MINUTE_SECONDS, error_rate_max=0.01, on_inconclusive="pass")


@dataclass(frozen=True)
class Policy:
    """Hold every threshold in force for one project."""

    intake: IntakePolicy = field(default_factory=IntakePolicy)
    plan: PlanPolicy = field(default_factory=PlanPolicy)
    development: DevelopmentPolicy = field(default_factory=DevelopmentPolicy)
    dependency: DependencyPolicy = field(default_factory=DependencyPolicy)
    guardrail: GuardrailPolicy = field(default_factory=GuardrailPolicy)
    category: CategoryPolicy = field(default_factory=CategoryPolicy)
    autonomy: AutonomyPolicy = field(default_factory=AutonomyPolicy)
    scan: ScanPolicy = field(default_factory=ScanPolicy)
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    gateway: GatewayPolicy = field(default_factory=GatewayPolicy)
    staging: ObservationPolicy = field(default_factory=_staging)
    production: ObservationPolicy = field(default_factory=ObservationPolicy)
    rollback: RollbackPolicy = field(default_factory=RollbackPolicy)
    migration: MigrationPolicy = field(default_factory=MigrationPolicy)
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
        return digest(_without(to_json(self), LATER))


def _without(plain: dict[str, Any], later: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Leave out what came later and says nothing yet, and groups in which nothing is left."""
    kept: dict[str, Any] = {}
    for name, value in plain.items():
        path = f"{above}{name}"
        if path in later and later[path] == value:
            continue
        inner = _without(value, later, f"{path}.") if isinstance(value, dict) else value
        if inner != {}:
            kept[name] = inner
    return kept
