"""Score a plan or a finished diff by facts, never by what its author says about it.

Any factor of a category that always needs a person makes the risk high; three medium factors
together do so too. Words of an agent can raise the risk, never lower it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.diff import Diff
from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Ruling
from keelway.core.policy import Policy
from keelway.core.rule.change.category import BREAKING, SPOKEN, diff_categories, plan_categories
from keelway.core.rule.glob import matches
from keelway.core.rule.guardrail import judge_diff
from keelway.core.rule.sensitive import HIGH_CATEGORIES, categories, forbidden_reason

LEVELS = ("low", "medium", "high")
_WEIGHT = {"low": 10, "medium": 25, "high": 75}
_SCORE_MAX = 100
_ALTERING = frozenset({"PUT", "PATCH", "DELETE"})
_BREAKING = re.compile(
    r"\bbreaking\b|\bsecurity (?:fix|patch|hole)|\bvulnerabilit|\bCVE-\d|\bdata loss\b|\bdrop(?:s|ping)? (?:table|column)",
    re.IGNORECASE,
)
_SYMBOLS: dict[str, re.Pattern[str]] = {
    "high": re.compile(
        r"\beval\(|\bexec\(|shell\s*=\s*True|\bpickle\.loads?\(|\byaml\.load\(|verify\s*=\s*False|\bos\.system\("
        r"|CERT_NONE|_create_unverified_context|dangerouslySetInnerHTML|Access-Control-Allow-Origin"
        r"|\bDROP\s+(?:TABLE|COLUMN|DATABASE)\b|\bTRUNCATE\s+TABLE\b|mark_safe\(|\bos\.(?:environ|putenv)\b.*(?<![=!<>])=(?!=)"
    ),
    "medium": re.compile(
        r"\b(?:bcrypt|argon2|hmac|jwt|Fernet|authenticate|login_required|has_permission|set_cookie|csrf\w*|rate_?limit\w*)\b",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True)
class Risk:
    """State how dangerous a task is, and the factors that made it so."""

    level: str
    """``low``, ``medium`` or ``high``; high always needs a person."""
    score: int
    """0 to 100, for ordering."""
    factors: tuple[str, ...]
    """One sentence each, the heaviest first."""


def at_most(level: str, limit: str) -> bool:
    """Tell whether ``level`` is within ``limit``; nothing is within ``none`` or an unknown word."""
    return level in LEVELS and limit in LEVELS and LEVELS.index(level) <= LEVELS.index(limit)


def worst(a: Risk, b: Risk) -> Risk:
    """Return the higher level and score with the factors of both."""
    high = max(a.level, b.level, key=LEVELS.index)
    return Risk(high, max(a.score, b.score), tuple(dict.fromkeys((*a.factors, *b.factors))))


def assess_plan(plan: Plan, policy: Policy) -> Risk:
    """Score what a plan intends to touch."""
    factors = [
        *_path_factors(plan.files, plan, policy),
        *_line_factors(plan.lines_estimate, policy, "is estimated to change"),
        *_shape_factors(plan, policy),
        *_category_factors(plan_categories(plan, policy.category), policy),
    ]
    return _sum(factors)


def assess_diff(diff: Diff, plan: Plan, policy: Policy) -> Risk:
    """Score what a finished patch does touch, beside what its plan declared."""
    factors = [
        *_path_factors(diff.paths, plan, policy),
        *_line_factors(diff.lines, policy, "changes"),
        *_shape_factors(plan, policy),
        *_symbol_factors(diff),
        *_category_factors(diff_categories(diff, plan, policy.category), policy),
        *_held_factors(diff, plan, policy),
    ]
    return _sum(factors)


def _sum(factors: Iterable[tuple[str, str]]) -> Risk:
    ordered = sorted(dict.fromkeys(factors), key=lambda factor: -LEVELS.index(factor[0]))
    score = min(_SCORE_MAX, sum(_WEIGHT[level] for level, _ in ordered))
    if score >= _WEIGHT["high"]:
        level = "high"
    else:
        level = "medium" if any(level == "medium" for level, _ in ordered) else "low"
    return Risk(level, score, tuple(text for _, text in ordered))


def _path_factors(paths: Iterable[str], plan: Plan, policy: Policy) -> list[tuple[str, str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(paths):
        for factor in _path_reasons(path, plan, policy):
            found.setdefault(factor, []).append(path)
    return [
        (level, f"touches {touched[0]}{f' and {len(touched) - 1} more' if touched[1:] else ''} ({reason})")
        for (level, reason), touched in found.items()
    ]


def _path_reasons(path: str, plan: Plan, policy: Policy) -> list[tuple[str, str]]:
    reasons: list[tuple[str, str]] = []
    if reason := forbidden_reason(path):
        reasons.append(("high", f"forbidden: {reason}"))
    if matches(path, policy.guardrail.forbidden):
        reasons.append(("high", "forbidden by the policy"))
    if matches(path, policy.guardrail.owned):
        reasons.append(("high", "owned by the policy"))
    for category in categories(path):
        reasons.extend(_category_reason(path, category, plan))
    return reasons


def _category_reason(path: str, category: str, plan: Plan) -> list[tuple[str, str]]:
    if category in HIGH_CATEGORIES:
        return [("high", category)]
    if category == "dependency":
        return [] if plan.dependencies else [("high", "no dependency declared")]
    if category == "migration" and path not in plan.migrations:
        return [("high", "not a planned new migration")]
    return [("medium", category)]


def _line_factors(lines: int, policy: Policy, verb: str) -> list[tuple[str, str]]:
    if lines > policy.plan.lines_high:
        return [("high", f"{verb} {lines} lines, more than {policy.plan.lines_high}")]
    if lines > policy.plan.lines_medium:
        return [("medium", f"{verb} {lines} lines, more than {policy.plan.lines_medium}")]
    return []


def _category_factors(found: dict[str, str], policy: Policy) -> list[tuple[str, str]]:
    """Raise what the policy always has read; a category that paths have named already is not told twice."""
    return [
        ("high", f"is always read by a person ({name}: {why})")
        for name, why in sorted(found.items())
        if (
            name in policy.category.always_review
            and (name not in HIGH_CATEGORIES or name not in categories(why))
        )
        or (name == BREAKING and why != SPOKEN)
    ]


def _held_factors(diff: Diff, plan: Plan, policy: Policy) -> list[tuple[str, str]]:
    """Let a person decide about everything that a guardrail holds; touched paths have factors of their own."""
    return [
        ("high", finding.message.rstrip("."))
        for finding in judge_diff(diff, plan, policy.guardrail)
        if finding.ruling is Ruling.HOLD and finding.code != "owned_path"
    ]


def _shape_factors(plan: Plan, policy: Policy) -> list[tuple[str, str]]:
    factors: list[tuple[str, str]] = []
    if plan.dependencies:
        factors.append(("medium", f"adds a dependency: {', '.join(plan.dependencies)}"))
    if plan.test_grants:
        factors.append(("medium", f"alters existing tests: {', '.join(plan.test_grants)}"))
    if plan.delete:
        factors.append(("medium", f"removes {len(plan.delete)} file(s)"))
    if len(plan.files) > policy.plan.files_medium:
        factors.append(("medium", f"touches {len(plan.files)} files"))
    if plan.kind.value not in policy.category.auto_safe:
        factors.append(("low", f"is of the kind {plan.kind.value}"))
    altering = [f"{probe.method} {probe.path}" for probe in plan.probes if probe.method in _ALTERING]
    if altering:
        factors.append(("high", f"asks production to alter what is there: {', '.join(altering[:3])}"))
    if any(_BREAKING.search(text) for text in (plan.title, *plan.risks)):
        factors.append(("high", "speaks of a breaking change, a security fix or lost data"))
    return factors


def _symbol_factors(diff: Diff) -> list[tuple[str, str]]:
    factors: list[tuple[str, str]] = []
    for path in sorted({*diff.added_text, *diff.removed_text}):
        for level, pattern in _SYMBOLS.items():
            what = "a dangerous call" if level == "high" else "a security symbol"
            added = [number for number, line in diff.added_text.get(path, ()) if pattern.search(line)]
            removed = [number for number, line in diff.removed_text.get(path, ()) if pattern.search(line)]
            if added:
                factors.append((level, f"adds {what} at {path}:{added[0]}"))
            if level == "medium" and len(removed) > len(added):
                factors.append((level, f"removes {what} at {path}:{removed[0]} of the old file"))
    return factors
