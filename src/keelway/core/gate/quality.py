"""Stage 3: is this patch good enough to be shown?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from keelway.core.model.handover import CheckFact
from keelway.core.model.verdict import Finding, Ruling, Verdict, combine, failed, passed
from keelway.core.policy import Policy


@dataclass(frozen=True, kw_only=True)
class QualityFacts:
    """Hold everything that was measured about a patch on its immutable commits."""

    checks: tuple[CheckFact, ...]
    expected_checks: tuple[str, ...]
    """Names from the protected base; a check that is not among the results did not pass."""
    guardrail: tuple[Finding, ...]
    evidence: tuple[Finding, ...]
    """What the judge found: replay, canary, new tests, coverage, tamper."""
    owned_approved: bool
    """What a guardrail holds was approved for this very patch, or is decided at the merge, whose risk it raises."""
    iterations: int
    diff_files: int


def judge_quality(facts: QualityFacts, policy: Policy) -> Verdict:
    """Decide whether the patch leaves development."""
    findings = [
        _something(facts.diff_files),
        *judge_checks(facts.checks, facts.expected_checks),
        *_group(facts.guardrail, "guardrail", owned_approved=facts.owned_approved),
        *_group(facts.evidence, "evidence", owned_approved=False),
        _iterations(facts.iterations, policy.development.iterations_max),
    ]
    return combine("quality", findings)


def judge_checks(checks: Iterable[CheckFact], expected: tuple[str, ...]) -> list[Finding]:
    """Hold the results against the expected names: missing, failed or empty is not passed."""
    facts = tuple(checks)
    findings = [_check(fact) for fact in facts]
    there = {fact.name for fact in facts}
    findings += [
        failed("check_missing", f"The check {name} gave no result; nothing proves that it ran.", examined=0)
        for name in dict.fromkeys(expected)
        if name not in there
    ]
    if not expected:
        findings.append(
            failed("checks_unknown", "No check is expected, so nothing can be proven. Configure one.")
        )
    return findings


def _check(fact: CheckFact) -> Finding:
    if not fact.passed:
        detail = f" {fact.detail}" if fact.detail else ""
        return failed(
            "check_failed", f"The check {fact.name} failed.{detail}", examined=fact.examined, check=fact.name
        )
    if fact.examined < 1:
        return failed(
            "check_empty",
            f"The check {fact.name} examined nothing, which proves nothing.",
            examined=0,
            check=fact.name,
        )
    return passed(
        "check_passed",
        f"The check {fact.name} examined {fact.examined}.",
        examined=fact.examined,
        check=fact.name,
    )


def _something(diff_files: int) -> Finding:
    if diff_files < 1:
        return failed("no_change", "The patch changes no file.", examined=0)
    return passed("changed", f"The patch changes {diff_files} file(s).", examined=diff_files)


def _group(findings: tuple[Finding, ...], name: str, *, owned_approved: bool) -> list[Finding]:
    if not findings:
        return [
            failed(
                f"{name}_missing", f"The {name} findings are absent, so they count as not passed.", examined=0
            )
        ]
    if not owned_approved:
        return list(findings)
    return [_approved(finding) for finding in findings]


def _approved(finding: Finding) -> Finding:
    if finding.ruling is not Ruling.HOLD:
        return finding
    return replace(
        finding,
        ruling=Ruling.PASS,
        message=f"{finding.message} It counts for the risk, which says before the merge whether a person is asked.",
    )


def _iterations(iterations: int, limit: int) -> Finding:
    if iterations > limit:
        return failed("iterations_spent", f"{iterations} iterations were used; {limit} are allowed.")
    return passed("iterations_kept", f"{iterations} of {limit} iterations.")
