"""What never deploys alone waits before production, however it was merged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keelway.core.gate.deploy import judge_deploy, merge_binding, never_alone
from keelway.core.model.handover import Admitted, ApprovedPlan, TestedPatch
from keelway.core.model.plan import Plan
from keelway.core.model.task import Task
from keelway.core.model.verdict import Ruling
from keelway.core.policy import CategoryPolicy

TABLES = CategoryPolicy()
BY_PLAN = CategoryPolicy(deploy_consent="plan")
EVERY_TIME = CategoryPolicy(deploy_consent="deploy")


@pytest.fixture
def patch(plan: Plan, task: Task) -> TestedPatch:
    admitted = Admitted(task, datetime(2026, 1, 1, tzinfo=UTC))
    wide = replace(plan, migrations=("migrations/0002.sql",), create=(*plan.create, "migrations/0002.sql"))
    approved = ApprovedPlan(admitted, wide, 2, "d", "b", "p", "medium", (), "policy")
    return TestedPatch(
        approved, "feature/x", "b", "h", "t", 1, (), "medium", (), ("app/xmpp.py",), 3, ("schema",)
    )


def test_a_change_of_no_such_category_goes_alone(patch: TestedPatch) -> None:
    plain = replace(patch, categories=("build", "payment"))
    assert judge_deploy(plain, TABLES, merge_approved=False).code == "deploy_unasked"
    assert never_alone(replace(patch, categories=()), TABLES) == ()


def test_an_automatic_merge_waits_for_a_person(patch: TestedPatch) -> None:
    finding = judge_deploy(patch, TABLES, merge_approved=False)
    assert (finding.ruling, finding.code) == (Ruling.HOLD, "never_auto_deploy")
    assert finding.evidence == {"categories": "schema"}


def test_a_persons_yes_to_the_merge_counts_unless_every_deploy_is_asked(patch: TestedPatch) -> None:
    assert judge_deploy(patch, TABLES, merge_approved=True).ruling is Ruling.PASS
    assert judge_deploy(patch, BY_PLAN, merge_approved=True).ruling is Ruling.PASS
    assert judge_deploy(patch, EVERY_TIME, merge_approved=True).ruling is Ruling.HOLD


def test_a_persons_yes_to_a_plan_counts_for_what_it_shows(patch: TestedPatch) -> None:
    assert judge_deploy(patch, BY_PLAN, merge_approved=False).ruling is Ruling.HOLD, "nobody was asked"
    read = replace(patch, approved=replace(patch.approved, approved_by="anna@cli"))
    assert judge_deploy(read, BY_PLAN, merge_approved=False).ruling is Ruling.PASS
    assert judge_deploy(read, TABLES, merge_approved=False).ruling is Ruling.HOLD
    more = replace(read, categories=("schema", "auth"))
    assert judge_deploy(more, BY_PLAN, merge_approved=False).ruling is Ruling.HOLD, "the plan showed no auth"


def test_the_binding_of_a_merge_names_everything(patch: TestedPatch) -> None:
    binding = merge_binding(patch, "sha256:p")
    assert (binding.head_sha, binding.base_sha, binding.tree_sha) == ("h", "b", "t")
    assert (binding.plan_version, binding.policy_digest) == (2, "sha256:p")
    assert binding.digest != merge_binding(replace(patch, tree_sha="u"), "sha256:p").digest
