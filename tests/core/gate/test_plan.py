"""The plan gate: what fails, what asks a person, what goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keelway.core.gate.plan import PlanFacts, judge_plan
from keelway.core.model.plan import Kind, Plan
from keelway.core.model.verdict import Ruling, failed, held, passed
from keelway.core.package.package import Ecosystem, Package, PackageFacts, State
from keelway.core.policy import GuardrailPolicy, PlanPolicy, Policy, ReviewPolicy
from keelway.core.rule.risk import Risk

LOW, HIGH = Risk("low", 10, ()), Risk("high", 80, ("touches app/auth.py (auth)",))
KNOWN = ("app/channels.py", "app/old.py", "tests/test_channels.py")


@pytest.fixture
def facts(plan: Plan) -> PlanFacts:
    return PlanFacts(plan=plan, risk=LOW, approval=None, known_files=KNOWN)


def test_a_low_risk_plan_goes_on_alone(facts: PlanFacts, policy: Policy) -> None:
    verdict = judge_plan(facts, policy)
    assert verdict.passed
    assert len(verdict.findings) == 6


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"create": (), "modify": ()}, "plan_empty"),
        ({"create": ("app/a.py", "app/a.py")}, "plan_contradicts"),
        ({"delete": ("app/channels.py",)}, "plan_contradicts"),
        ({"create": (".github/workflows/x.yml",)}, "plan_forbidden_path"),
        ({"create": ("secret/x.py",)}, "plan_forbidden_path"),
        ({"create": ("pytest.py",)}, "plan_forbidden_path"),
        ({"modify": ("app/missing.py",)}, "plan_file_missing"),
        ({"delete": ("app/missing.py",)}, "plan_file_missing"),
        ({"create": ("app/old.py",)}, "plan_file_exists"),
        ({"create": ("APP/Old.py",)}, "plan_file_exists"),
        ({"modify": ("tests/test_channels.py",)}, "plan_grant_missing"),
        ({"create": ("tests/conftest.py",)}, "plan_grant_missing"),
        ({"test_grants": ("tests/nowhere.py",)}, "plan_grant_unknown"),
        ({"test_plan": ()}, "plan_tests_missing"),
        ({"test_plan": (" ",)}, "plan_tests_missing"),
        ({"probes": ()}, "plan_probes_missing"),
    ],
)
def test_what_has_to_be_revised(facts: PlanFacts, change: dict[str, object], code: str) -> None:
    policy = Policy(guardrail=GuardrailPolicy(forbidden=("/secret/",)))
    verdict = judge_plan(replace(facts, plan=replace(facts.plan, **change)), policy)
    assert verdict.ruling is Ruling.FAIL
    assert code in {finding.code for finding in verdict.reasons}


def test_new_packages_are_judged_by_what_indexes_say(facts: PlanFacts, policy: Policy, now: datetime) -> None:
    asked = replace(
        facts, plan=replace(facts.plan, dependencies=("slixmpp",)), known_files=(*KNOWN, "pyproject.toml")
    )
    slixmpp = Package(Ecosystem.PYPI, "slixmpp")
    old = PackageFacts(
        slixmpp, State.FOUND, now, latest="1", first_at=now - timedelta(days=999), licence="MIT"
    )
    assert judge_plan(replace(asked, packages=(old,)), policy).passed
    gone = judge_plan(replace(asked, packages=(replace(old, state=State.ABSENT),)), policy)
    assert (gone.ruling, gone.code) == (Ruling.FAIL, "dependency_absent")
    unknown = judge_plan(replace(asked, packages=()), policy)
    assert (unknown.ruling, unknown.code) == (Ruling.HOLD, "dependency_unknown")
    assert judge_plan(replace(asked, packages=None), policy).passed, "a run that was recorded before goes on"


def test_a_refactoring_needs_no_probe(facts: PlanFacts, policy: Policy) -> None:
    plan = replace(facts.plan, kind=Kind.REFACTOR, probes=(), test_plan=())
    assert judge_plan(replace(facts, plan=plan), policy).passed


def test_risk_above_the_line_asks_a_person(facts: PlanFacts, policy: Policy) -> None:
    verdict = judge_plan(replace(facts, risk=HIGH), policy)
    assert (verdict.ruling, verdict.code) == (Ruling.HOLD, "plan_needs_approval")
    assert "touches app/auth.py (auth)" in verdict.reasons[0].message
    assert judge_plan(replace(facts, risk=HIGH, approval=passed("approved", "Yes.")), policy).passed


def test_the_line_can_be_drawn_elsewhere(facts: PlanFacts) -> None:
    nobody = Policy(plan=PlanPolicy(auto_approve_risk="none"))
    assert judge_plan(facts, nobody).ruling is Ruling.HOLD
    stage = Policy(review=ReviewPolicy(approve_stages=("planning",)))
    assert judge_plan(facts, stage).ruling is Ruling.HOLD


def test_grants_always_ask_a_person(facts: PlanFacts, policy: Policy) -> None:
    plan = replace(
        facts.plan,
        modify=(*facts.plan.modify, "tests/test_channels.py"),
        test_grants=("tests/test_channels.py",),
    )
    granted = replace(facts, plan=plan)
    wide = replace(policy, plan=PlanPolicy(auto_approve_risk="high"))
    assert judge_plan(granted, wide).ruling is Ruling.HOLD
    assert judge_plan(replace(granted, approval=passed("approved", "Yes.")), wide).passed


def test_the_answer_of_a_person_is_kept_as_it_is(facts: PlanFacts, policy: Policy) -> None:
    assert (
        judge_plan(replace(facts, approval=failed("approval_denied", "No.")), policy).code
        == "approval_denied"
    )
    void = held("approval_void", "Changed.")
    assert judge_plan(replace(facts, risk=HIGH, approval=void), policy).code == "approval_void"
    assert judge_plan(replace(facts, approval=void), policy).passed


def test_a_plan_that_repeats_what_failed_asks_a_person(facts, policy):
    verdict = judge_plan(replace(facts, failed_before="T-1 failed so."), policy)
    assert verdict.ruling is Ruling.HOLD
    assert "repeats what failed" in verdict.reasons[0].message
