"""Stage 2: may this plan be carried out, and does a person have to say so first?"""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.model.plan import Kind, Plan
from keelway.core.model.verdict import Finding, Ruling, Verdict, combine, failed, held, passed
from keelway.core.package.judge import judge_dependencies
from keelway.core.package.package import PackageFacts, ecosystems_of
from keelway.core.policy import Policy
from keelway.core.rule.glob import fold, matches
from keelway.core.rule.risk import Risk, at_most
from keelway.core.rule.sensitive import forbidden_reason, is_runner_config, is_shadow, is_test_path

_PROVEN_KINDS = frozenset({Kind.FEATURE, Kind.FIX})


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """Hold a parsed plan and what is known about it."""

    plan: Plan
    risk: Risk
    approval: Finding | None
    """The finding of ``judge_approval`` for this very plan; ``None`` when nobody was asked yet."""
    known_files: tuple[str, ...]
    """Every path of the base commit."""
    packages: tuple[PackageFacts, ...] | None = None
    """What indexes say about the packages that the plan brings in; ``None`` when that is not judged."""
    failed_before: str = ""
    """What is known about an earlier task that failed in this very way; empty when nothing is."""


def judge_plan(facts: PlanFacts, policy: Policy) -> Verdict:
    """Decide whether the plan goes on: PASS, HOLD for a person, or FAIL with what to revise."""
    plan = facts.plan
    findings = [
        _extent(plan),
        *_forbidden(plan, policy),
        *_existence(plan, facts.known_files),
        *_grants(plan, facts.known_files),
        _proof(plan),
        *_packages(facts, policy),
        _consent(facts, policy),
    ]
    return combine("plan", findings)


def _extent(plan: Plan) -> Finding:
    if not plan.files:
        return failed("plan_empty", "The plan names no file to create, modify or delete.")
    listed = (*plan.create, *plan.modify, *plan.delete)
    twice = sorted({path for path in listed if listed.count(path) > 1})
    if twice:
        return failed("plan_contradicts", f"A path is listed twice: {', '.join(twice)}.")
    return passed("plan_extent", f"The plan names {len(plan.files)} file(s).", examined=len(plan.files))


def _forbidden(plan: Plan, policy: Policy) -> list[Finding]:
    findings = []
    for path in sorted(plan.files):
        reason = forbidden_reason(path)
        if not reason and matches(path, policy.guardrail.forbidden):
            reason = "forbidden by the policy"
        if not reason and is_shadow(path, new=path in plan.create):
            reason = "it would hide a module of the test runner or of the standard library"
        if reason:
            findings.append(
                failed(
                    "plan_forbidden_path",
                    f"{path} may not be altered by an agent ({reason}). Plan without it.",
                )
            )
    return findings or [
        passed("plan_paths", "No forbidden path is planned.", examined=max(1, len(plan.files)))
    ]


def _existence(plan: Plan, known_files: tuple[str, ...]) -> list[Finding]:
    known, folded = frozenset(known_files), {fold(path) for path in known_files}
    missing = sorted(path for path in (*plan.modify, *plan.delete) if path not in known)
    there = sorted(path for path in plan.create if fold(path) in folded)
    findings = [
        failed("plan_file_missing", f"{path} does not exist; list it under create or correct the path.")
        for path in missing
    ]
    findings += [
        failed(
            "plan_file_exists", f"{path} already exists (perhaps in another spelling); list it under modify."
        )
        for path in there
    ]
    return findings or [
        passed("plan_fits", "Every path fits the base commit.", examined=max(1, len(plan.files)))
    ]


def _grants(plan: Plan, known_files: tuple[str, ...]) -> list[Finding]:
    granted = frozenset(plan.test_grants)
    altered = {path for path in (*plan.modify, *plan.delete) if is_test_path(path)}
    guarded = altered | {path for path in plan.files if is_runner_config(path)}
    findings = [
        failed(
            "plan_grant_missing",
            f"{path} judges the result; put new tests into a new file or list it under test_grants.",
        )
        for path in sorted(guarded - granted)
    ]
    findings += [
        failed("plan_grant_unknown", f"A grant names {path}, which is neither there nor planned.")
        for path in sorted(granted - frozenset(known_files) - plan.files)
    ]
    return findings or [passed("plan_grants", f"{len(granted)} grant(s) to alter tests.")]


def _proof(plan: Plan) -> Finding:
    if plan.kind not in _PROVEN_KINDS:
        return passed("plan_proof", f"A task of the kind {plan.kind.value} needs no acceptance probe.")
    if not any(line.strip() for line in plan.test_plan):
        return failed("plan_tests_missing", "The plan says not how the result is tested; fill test_plan.")
    if not plan.probes:
        return failed(
            "plan_probes_missing",
            "The plan holds no acceptance probe; add the request whose answer shows that the task is fulfilled.",
        )
    count = len(plan.probes) + len(plan.test_plan)
    return passed("plan_proof", f"{count} probes and tests will show the result.", examined=count)


def _packages(facts: PlanFacts, policy: Policy) -> tuple[Finding, ...]:
    if facts.packages is None:
        return ()
    worlds = ecosystems_of(facts.known_files)
    return judge_dependencies(facts.plan.dependencies, worlds, facts.packages, policy.dependency)


def _consent(facts: PlanFacts, policy: Policy) -> Finding:
    if facts.approval is not None and facts.approval.ruling is not Ruling.HOLD:
        return facts.approval
    needed = _why_asked(facts, policy)
    if needed:
        return facts.approval or held("plan_needs_approval", f"A person has to approve the plan: {needed}.")
    return passed("plan_auto_approved", f"The risk is {facts.risk.level} and goes on by policy.")


def _why_asked(facts: PlanFacts, policy: Policy) -> str:
    if facts.plan.test_grants:
        return f"it alters existing tests ({', '.join(facts.plan.test_grants)})"
    if "planning" in policy.review.approve_stages:
        return "the policy asks a person at this stage"
    if facts.failed_before:
        return f"it repeats what failed. {facts.failed_before}"
    if not at_most(facts.risk.level, policy.plan.auto_approve_risk):
        return f"its risk is {facts.risk.level} ({'; '.join(facts.risk.factors)})"
    return ""
