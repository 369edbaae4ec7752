"""The quality gate: absent, empty and failed evidence are all not passed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.core.gate.quality import QualityFacts, judge_quality
from keelway.core.model.handover import CheckFact
from keelway.core.model.verdict import Ruling, failed, held, passed
from keelway.core.policy import Policy

LINT = CheckFact("lint", passed=True, examined=3, seconds=0.5)
TESTS = CheckFact("tests", passed=True, examined=12, seconds=2.0)
FACTS = QualityFacts(
    checks=(LINT, TESTS),
    expected_checks=("lint", "tests"),
    guardrail=(passed("paths_allowed", "Fine."),),
    evidence=(passed("tests_replayed", "Fine."),),
    owned_approved=False,
    iterations=10,
    diff_files=2,
)


def test_a_good_patch_passes(policy: Policy) -> None:
    assert judge_quality(FACTS, policy).passed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"diff_files": 0}, "no_change"),
        ({"checks": (LINT,)}, "check_missing"),
        ({"checks": ()}, "check_missing"),
        ({"expected_checks": ()}, "checks_unknown"),
        ({"checks": (LINT, replace(TESTS, passed=False, detail="2 failed"))}, "check_failed"),
        ({"checks": (LINT, replace(TESTS, passed=False))}, "check_failed"),
        ({"checks": (LINT, replace(TESTS, examined=0))}, "check_empty"),
        ({"checks": (LINT, TESTS, replace(TESTS, passed=False))}, "check_failed"),
        ({"guardrail": ()}, "guardrail_missing"),
        ({"guardrail": (failed("secret", "Found."),)}, "secret"),
        ({"guardrail": (failed("secret", "Found."),), "owned_approved": True}, "secret"),
        ({"evidence": ()}, "evidence_missing"),
        ({"evidence": (passed("tests_replayed", "None.", examined=0),)}, "tests_replayed"),
        ({"evidence": (failed("canary_passed", "Bad."),)}, "canary_passed"),
        ({"iterations": 11}, "iterations_spent"),
    ],
)
def test_what_fails(policy: Policy, change: dict[str, object], code: str) -> None:
    verdict = judge_quality(replace(FACTS, **change), policy)
    assert verdict.ruling is Ruling.FAIL
    assert code in {finding.code for finding in verdict.reasons}


def test_owned_paths_hold_until_a_person_approved_them(policy: Policy) -> None:
    owned = replace(FACTS, guardrail=(held("owned_path", "One file."), passed("x", "Fine.")))
    assert (judge_quality(owned, policy).ruling, judge_quality(owned, policy).code) == (
        Ruling.HOLD,
        "owned_path",
    )
    verdict = judge_quality(replace(owned, owned_approved=True), policy)
    assert verdict.passed
    assert any(finding.message.startswith("One file. It counts for the risk") for finding in verdict.findings)


def test_that_approval_does_not_open_other_holds(policy: Policy) -> None:
    facts = replace(FACTS, evidence=(held("unsure", "Hm."),), owned_approved=True)
    assert judge_quality(facts, policy).ruling is Ruling.HOLD
