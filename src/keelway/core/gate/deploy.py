"""Stage 6, before anything is deployed: does this kind of change need a person's yes first?"""

from __future__ import annotations

from keelway.core.model.handover import TestedPatch
from keelway.core.model.verdict import Finding, held, passed
from keelway.core.policy import CategoryPolicy
from keelway.core.rule.approval import Binding
from keelway.core.rule.change.category import plan_categories

POLICY_SAYS = "policy"
"""Who approved a plan that no person was asked about."""


def merge_binding(patch: TestedPatch, policy_digest: str) -> Binding:
    """Return what an approval of the merge of exactly this patch is bound to."""
    return Binding(
        patch.task.id,
        "merge",
        head_sha=patch.head_sha,
        base_sha=patch.base_sha,
        tree_sha=patch.tree_sha,
        plan_version=patch.approved.version,
        policy_digest=policy_digest,
    )


def never_alone(patch: TestedPatch, policy: CategoryPolicy) -> tuple[str, ...]:
    """Return the categories of a patch that no policy deploys without a person."""
    return tuple(name for name in policy.never_auto_deploy if name in patch.categories)


def judge_deploy(patch: TestedPatch, policy: CategoryPolicy, *, merge_approved: bool) -> Finding:
    """Decide whether a patch may go to production alone, however it was merged.

    Args:
        patch: what was merged.
        policy: which categories need a person, and whose yes counts.
        merge_approved: a person said yes to the merge of exactly this patch.
    """
    never = never_alone(patch, policy)
    if not never:
        return passed("deploy_unasked", "It is of no category that never deploys alone.")
    named = ", ".join(never)
    if merge_approved and policy.deploy_consent != "deploy":
        return passed("deploy_by_merge", f"A person approved the merge of this change ({named}).")
    if policy.deploy_consent == "plan" and _shown(patch, never, policy):
        return passed("deploy_by_plan", f"A person approved the plan, which names it ({named}).")
    return held(
        "never_auto_deploy",
        f"the policy deploys no such change without a person ({named})",
        examined=len(patch.categories),
        categories=named,
    )


def _shown(patch: TestedPatch, never: tuple[str, ...], policy: CategoryPolicy) -> bool:
    """Tell whether a person approved a plan that shows every one of the categories."""
    approved = patch.approved
    return approved.approved_by != POLICY_SAYS and set(never) <= set(plan_categories(approved.plan, policy))
