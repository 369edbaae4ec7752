"""Sort a change by what it is about: the named categories that deploy never, or are read always, without a person.

The built-in tables are paths, words and idioms; the policy lengthens them. A category is found by
facts of the plan and of the patch; what an agent says about its work can add one, never take one away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from keelway.core.model.diff import Diff
from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Ruling
from keelway.core.policy import CategoryPolicy
from keelway.core.rule.change.access import judge_access
from keelway.core.rule.change.lines import Changed, changed_code
from keelway.core.rule.change.surface import lost_routes, narrowed_contracts
from keelway.core.rule.glob import matches
from keelway.core.rule.sensitive import OWNED_FILES, OWNED_WORDS, categories

SCHEMA, AUTH, ENVIRONMENT, BREAKING, DEPENDENCY, SECURITY = (
    "schema",
    "auth",
    "environment",
    "breaking API",
    "dependency",
    "security",
)
_BY_PATH = {"migration": SCHEMA}
CATEGORIES = frozenset(
    {BREAKING, SECURITY, *(_BY_PATH.get(name, name) for name in (*OWNED_FILES, *OWNED_WORDS))}
)
"""Every built-in name."""

SPOKEN = "the plan speaks of it"
_SPEAKS = {
    BREAKING: re.compile(
        r"\bbreaking\b|\bbackwards?.incompatib|\bremov\w* (?:the )?(?:endpoint|route|api)\b", re.IGNORECASE
    ),
    SECURITY: re.compile(
        r"\bsecurity (?:fix|patch|hole|issue)|\bvulnerabilit|\bCVE-\d|\bexploit", re.IGNORECASE
    ),
}
_LINES = {
    name: re.compile(pattern)
    for name, pattern in {
        SCHEMA: r"(?i)\b(?:create|alter|drop|rename|truncate)\s+(?:table|column|database|schema|view|type)\b"
        r"|\b(?:op|migrations?|schema|table|builder)\w*(?:\.|->|::)(?:create|drop|add|alter|rename|remove)\w*(?:table|column|index|field|model)",
        SECURITY: r"\beval\(|\bexec\(|shell\s*=\s*True|\bpickle\.loads?\(|\byaml\.load\(|verify\s*=\s*False|CERT_NONE"
        r"|dangerouslySetInnerHTML|mark_safe\(",
        "CORS": r"(?i)access-control-allow|\bcorsmiddleware\b|\bcors_\w+|\bflask_cors\b|\bcors\(|enableCors\(",
        "crypto": r"\b(?:bcrypt|argon2|scrypt|Fernet|hmac)\b|\bcreate(?:Hmac|Cipher\w*|Decipher\w*|Sign)\(|\b(?:en|de)crypt\(|\bAES\b",
        "payment": r"(?i)\b(?:stripe|paypal|braintree|adyen|klarna)\b",
        "rate limit": r"(?i)\brate_?limit\w*|\bthrottle\w*\(|throttle_(?:class|rate)",
    }.items()
}


def plan_categories(plan: Plan, policy: CategoryPolicy) -> dict[str, str]:
    """Return the categories that a plan shows to who approves it, each with a reason."""
    found = _by_path(plan.files, policy)
    if plan.migrations:
        found.setdefault(SCHEMA, f"migrations: {', '.join(plan.migrations)}")
    if plan.dependencies:
        found.setdefault(DEPENDENCY, f"new packages: {', '.join(plan.dependencies)}")
    for name, pattern in _SPEAKS.items():
        if any(pattern.search(text) for text in (plan.title, *plan.risks)):
            found.setdefault(name, SPOKEN)
    return found


def diff_categories(diff: Diff, plan: Plan, policy: CategoryPolicy) -> dict[str, str]:
    """Return the categories of a finished patch, by its paths, its lines and its plan."""
    changed = changed_code(diff)
    found = {**_by_path(diff.paths, policy), **_by_lines(changed)}
    held = [finding for finding in judge_access(changed) if finding.ruling is Ruling.HOLD]
    if held:
        found.setdefault(AUTH, held[0].message)
    if routes := lost_routes(changed):
        found.setdefault(BREAKING, f"a route goes: {routes[0].place}")
    if contracts := narrowed_contracts(diff):
        found.setdefault(BREAKING, f"an interface loses entries: {contracts[0]}")
    return {**plan_categories(plan, policy), **found}


def unknown_categories(policy: CategoryPolicy) -> tuple[str, ...]:
    """Return the names in the tables that are neither built in nor described by paths."""
    known = CATEGORIES | set(policy.paths)
    return tuple(sorted({*policy.never_auto_deploy, *policy.always_review} - known))


def _by_path(paths: Iterable[str], policy: CategoryPolicy) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(paths):
        for name in categories(path):
            found.setdefault(_BY_PATH.get(name, name), path)
        for name, patterns in policy.paths.items():
            if matches(path, patterns):
                found.setdefault(name, path)
    return found


def _by_lines(changed: Changed) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in (*changed.added, *changed.removed):
        for name, pattern in _LINES.items():
            if pattern.search(line.text):
                found.setdefault(name, f"{line.place} speaks of it")
    return found
