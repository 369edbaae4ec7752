"""Every threshold in force, with its default, its unit in its name and one sentence on it.

The reference page and the checks of ``keelway.toml`` are made from these classes.
"""

from keelway.core.policy.budget import (
    MOVED,
    BudgetPolicy,
    DevBudget,
    GatewayPolicy,
    OpsBudget,
    PlanBudget,
    ReviewBudget,
)
from keelway.core.policy.category import AutonomyPolicy, CategoryPolicy
from keelway.core.policy.policy import LATER, Policy
from keelway.core.policy.record import AlertPolicy, ArtefactPolicy
from keelway.core.policy.release import (
    HotfixPolicy,
    MigrationPolicy,
    ObservationPolicy,
    RollbackPolicy,
    WatchPolicy,
)
from keelway.core.policy.unit import DAY_SECONDS, MINUTE_SECONDS
from keelway.core.policy.work import (
    DependencyPolicy,
    DevelopmentPolicy,
    GuardrailPolicy,
    IntakePolicy,
    PlanPolicy,
    ReviewPolicy,
    ScanPolicy,
)

__all__ = [
    "DAY_SECONDS",
    "LATER",
    "MINUTE_SECONDS",
    "MOVED",
    "AlertPolicy",
    "ArtefactPolicy",
    "AutonomyPolicy",
    "BudgetPolicy",
    "CategoryPolicy",
    "DependencyPolicy",
    "DevBudget",
    "DevelopmentPolicy",
    "GatewayPolicy",
    "GuardrailPolicy",
    "HotfixPolicy",
    "IntakePolicy",
    "MigrationPolicy",
    "ObservationPolicy",
    "OpsBudget",
    "PlanBudget",
    "PlanPolicy",
    "Policy",
    "ReviewBudget",
    "ReviewPolicy",
    "RollbackPolicy",
    "ScanPolicy",
    "WatchPolicy",
]
