"""Stage 4: may exactly this commit go into the integration branch?"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from keelway.core.consent.quorum import OwnerGroup
from keelway.core.gate.quality import judge_checks
from keelway.core.model.diff import Diff
from keelway.core.model.handover import CheckFact
from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Finding, Ruling, Verdict, combine, failed, held, passed
from keelway.core.policy import Policy
from keelway.core.rule.risk import Risk, at_most

_SECTION = re.compile(
    r"^##[ \t]+test plan[ \t]*$(.*?)(?=^#{1,2}[ \t]|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_TICKED = re.compile(r"^[ \t]*[-*][ \t]+\[[xX]\][ \t]+\S", re.MULTILINE)
_OPEN = re.compile(r"^[ \t]*[-*][ \t]+\[ \][ \t]+\S", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class MergeFacts:
    """Hold what is known about a pull request at the moment of merging."""

    head_sha: str
    checks: tuple[CheckFact, ...]
    checks_sha: str
    """The commit that the checks ran on."""
    expected_checks: tuple[str, ...]
    conflicts: tuple[str, ...]
    """Paths that do not merge."""
    base_moved: bool
    """The base branch is no longer the commit that the patch was judged on."""
    body: str
    """The text of the pull request, as it is on the forge."""
    diff: Diff
    plan: Plan
    risk: Risk
    approval: Finding | None
    """The finding of ``judge_approval`` for this very merge; ``None`` when nobody was asked yet."""
    review: Finding | None
    """What the reviewer role found; it can block, never unblock. ``None`` without a reviewer."""
    owner_groups: tuple[OwnerGroup, ...] = ()
    """Who owns touched paths by the owner file of the base."""


def judge_merge(facts: MergeFacts, policy: Policy) -> Verdict:
    """Decide whether the pull request is merged; HOLD when only a person is missing."""
    findings = [
        _same_commit(facts),
        *judge_checks(facts.checks, facts.expected_checks),
        _conflicts(facts.conflicts),
        _base(moved=facts.base_moved),
        _test_plan(facts.body),
        _scope(facts.diff, facts.plan),
        _consent(facts, policy),
        *_owners(facts.owner_groups),
        *([_review(facts.review, facts.approval)] if facts.review is not None else []),
    ]
    return combine("merge", findings)


def _same_commit(facts: MergeFacts) -> Finding:
    if not facts.head_sha or {facts.checks_sha, facts.diff.head_sha} != {facts.head_sha}:
        return failed(
            "checks_stale",
            f"The checks ran on {facts.checks_sha[:12] or 'nothing'} and the patch is {facts.diff.head_sha[:12]}, "
            f"but the head is {facts.head_sha[:12] or 'unknown'}. Run the checks again.",
        )
    return passed("checks_current", f"Everything was judged on {facts.head_sha[:12]}.")


def _conflicts(conflicts: tuple[str, ...]) -> Finding:
    if conflicts:
        return failed("conflict", f"{len(conflicts)} file(s) do not merge: {', '.join(sorted(conflicts))}.")
    return passed("no_conflict", "The patch merges without a conflict.")


def _base(*, moved: bool) -> Finding:
    if moved:
        return failed(
            "base_moved", "The base branch moved since the patch was judged. It has to be judged again."
        )
    return passed("base_kept", "The base branch is where the patch was judged.")


def _test_plan(body: str) -> Finding:
    section = _SECTION.search(body.replace("\r\n", "\n"))
    if section is None:
        return failed("test_plan_missing", "The pull request has no section '## Test Plan'.")
    ticked, waiting = len(_TICKED.findall(section[1])), len(_OPEN.findall(section[1]))
    if not ticked:
        return failed(
            "test_plan_empty", "The test plan of the pull request holds no ticked item.", examined=waiting
        )
    return passed(
        "test_plan_filled", f"The test plan holds {ticked} done and {waiting} later item(s).", examined=ticked
    )


def _scope(diff: Diff, plan: Plan) -> Finding:
    beyond = sorted(diff.paths - plan.files - frozenset(plan.test_grants))
    if beyond:
        return failed("out_of_scope", f"{len(beyond)} file(s) are not in the plan: {', '.join(beyond)}.")
    count = len(diff.paths)
    return passed("in_scope", f"All {count} file(s) are in the plan.", examined=count)


def _review(review: Finding, approval: Finding | None) -> Finding:
    """Let a person decide where the reviewer could not; what the reviewer blocks stays blocked."""
    if review.ruling is Ruling.HOLD and approval is not None and approval.ruling is Ruling.PASS:
        said = f"{review.message} A person decided without it."
        return replace(review, ruling=Ruling.PASS, message=said, examined=1)
    return review


def _consent(facts: MergeFacts, policy: Policy) -> Finding:
    if facts.approval is not None and facts.approval.ruling is not Ruling.HOLD:
        return facts.approval
    asked = "review" in policy.review.approve_stages
    if facts.owner_groups:
        names = ", ".join(group.name for group in facts.owner_groups)
        return facts.approval or held(
            "merge_needs_owners", f"The owners of touched paths have to approve the merge: {names}."
        )
    if not asked and at_most(facts.risk.level, policy.review.auto_merge_risk):
        return passed("merge_auto_approved", f"The risk is {facts.risk.level} and merges by policy.")
    why = "the policy asks a person at this stage" if asked else f"its risk is {facts.risk.level}"
    return facts.approval or held("merge_needs_approval", f"A person has to approve the merge: {why}.")


def _owners(groups: tuple[OwnerGroup, ...]) -> list[Finding]:
    """Refuse what nobody could ever approve."""
    return [
        failed(
            "owners_unknown",
            f"{', '.join(group.paths)} is owned by {group.name}, and no [[person]] stands for that. List one.",
        )
        for group in groups
        if not group.members
    ]
