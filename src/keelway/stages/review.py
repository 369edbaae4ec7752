"""4. Land: pull request, checks for this very commit, approval, one squash merge."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.consent.quorum import OwnerGroup
from keelway.core.errors import OurFault, TheirFault
from keelway.core.gate.deploy import merge_binding
from keelway.core.gate.merge import MergeFacts, judge_merge
from keelway.core.model.event import EventKind
from keelway.core.model.handover import Merged, TestedPatch
from keelway.core.model.lifecycle import Status
from keelway.core.model.verdict import Ruling, Verdict
from keelway.core.review.judge import judge_review, remarks_of
from keelway.core.review.review import Reviewed
from keelway.core.rule.approval import Binding
from keelway.core.rule.risk import Risk, assess_diff, worst
from keelway.core.words.commit import commit_message
from keelway.core.words.pr import PullRequestStory, pull_request_body, pull_request_title
from keelway.core.words.question import approval_question
from keelway.core.words.text import outgoing
from keelway.ports.forge import CheckRun, Merge, Pull, PullDraft
from keelway.routines.ask import answer_to, require
from keelway.routines.consent.owners import owner_groups
from keelway.routines.context import Context
from keelway.routines.outcome import Rework, StageFailed, Waiting
from keelway.routines.role.reviewer import reviewed

_REWORK_CODES = {"base_moved", "conflict", "checks_stale", "review_blocked"}


def land(ctx: Context, patch: TestedPatch) -> Merged:
    """Show the patch, have it agreed, and merge exactly what was tested.

    Raises:
        Held: a person has to approve the merge.
        Waiting: another task is on its way through the environments.
        Rework: the base moved, the patch conflicts, or the reviewer blocks it.
        StageFailed: the gate or a person said no.
    """
    branches = ctx.project.branches
    pull = _open(ctx, patch)
    binding = merge_binding(patch, ctx.policy.digest)
    review = reviewed(ctx, patch, pull)
    case = _Case(patch, pull, binding, review, owner_groups(ctx, patch))
    verdict = _judge(ctx, case, "open")
    if verdict.ruling is Ruling.HOLD:
        risk = Risk(patch.risk, 0, patch.risk_factors)
        needed = " ".join(reason.message for reason in verdict.reasons)
        why = f"pull request #{pull.number} passed every check; {needed}"
        text = approval_question(patch.task, binding, risk, why, ctx.policy.review, groups=case.groups)
        require(ctx, binding, text, patch.task.request.requested_by, patch.risk, groups=case.groups)
        verdict = _judge(ctx, case, "approved")
    _insist(verdict, review)
    _note_approval(ctx, case)
    _take_lane(ctx)
    _insist(_judge(ctx, case, "merging"), review)
    merge = _merge(ctx, patch, pull)
    ctx.record(
        EventKind.MERGED, "merged", branch=branches.integration, sha=merge.sha, pull_request=pull.number
    )
    if merge.tree_sha != patch.tree_sha:
        raise OurFault("merged_tree_differs", "The merge holds another tree than the one that was tested.")
    ctx.act("delete branch", ctx.forge.delete_branch, patch.branch, key=ctx.key("delete branch"))
    ctx.move(Status.STAGING, commit_sha=merge.sha)
    return Merged(patch, pull.number, merge.sha, merge.tree_sha, ctx.now())


def _open(ctx: Context, patch: TestedPatch) -> Pull:
    draft = PullDraft(
        patch.task.name,
        pull_request_title(patch.approved.plan),
        _body(patch),
        ctx.project.branches.integration,
        patch.branch,
        patch.head_sha,
        ("agent-developed",),
    )
    pull = ctx.act("open pull", ctx.forge.open_pull, draft, key=ctx.key("open pull"))
    ctx.move(Status.PR_OPEN, pull_request=pull.number)
    for check in patch.checks:
        run = CheckRun(check.name, patch.head_sha, check.passed, check.examined, check.detail)
        ctx.act(f"set check:{check.name}", ctx.forge.set_check, run, key=ctx.key(f"check:{check.name}"))
    return pull


def _note_approval(ctx: Context, case: _Case) -> None:
    """Leave the answers on the pull request, where later readers look for them."""
    patch, pull = case.patch, case.pull
    consent = answer_to(ctx, case.binding, patch.task.request.requested_by, patch.risk, case.groups)
    if consent.ruling is Ruling.PASS:
        text = f"{consent.message} It counts for {case.binding.digest} only. {consent.evidence.get('remarks', '')}".strip()
        ctx.act(
            "approval noted", ctx.forge.comment, pull.number, outgoing(text), key=ctx.key("approval noted")
        )


def _body(patch: TestedPatch) -> str:
    story = PullRequestStory(
        task=patch.task,
        plan=patch.approved.plan,
        risk=Risk(patch.risk, 0, patch.risk_factors),
        iterations=patch.iterations,
        checks=patch.checks,
        way_back=f"keelway rollback {patch.task.name} switches traffic to the release before and reverts the merge.",
        lines=patch.lines,
    )
    return pull_request_body(story)


@dataclass(frozen=True)
class _Case:
    """Bind what the gate is asked about."""

    patch: TestedPatch
    pull: Pull
    binding: Binding
    review: Reviewed | None
    groups: tuple[OwnerGroup, ...]


def _judge(ctx: Context, case: _Case, moment: str) -> Verdict:
    """Judge what the forge holds now, not what we remember."""
    patch, pull, binding = case.patch, case.pull, case.binding
    runs = ctx.read(f"checks:{moment}", ctx.forge.checks, patch.head_sha)
    there = ctx.read(f"pull:{moment}", ctx.forge.pull, pull.number)
    base = ctx.read(f"base:{moment}", ctx.forge.head, ctx.project.branches.integration)
    conflicts = ctx.read(
        f"conflicts:{moment}", ctx.forge.conflicts, ctx.project.branches.integration, patch.head_sha
    )
    diff = ctx.read(f"diff:{moment}", ctx.forge.diff, patch.base_sha, there.head_sha)
    consent = answer_to(ctx, binding, patch.task.request.requested_by, patch.risk, case.groups)
    asked = None if consent.code == "approval_missing" else consent
    risk = worst(assess_diff(diff, patch.approved.plan, ctx.policy), Risk(patch.risk, 0, patch.risk_factors))
    results = {run.name: run for run in runs}
    facts = MergeFacts(
        head_sha=there.head_sha,
        checks=tuple(
            check for check in patch.checks if results.get(check.name) == _run_of(check.name, patch)
        ),
        checks_sha=patch.head_sha,
        expected_checks=tuple(check.name for check in ctx.project.checks),
        conflicts=conflicts,
        base_moved=base != patch.base_sha,
        body=there.body,
        diff=diff,
        plan=patch.approved.plan,
        risk=risk,
        approval=asked,
        review=judge_review(case.review, ctx.policy.review.reviewer) if case.review else None,
        owner_groups=case.groups,
    )
    return ctx.judged(judge_merge(facts, ctx.policy), commit=there.head_sha, base=patch.base_sha)


def _run_of(name: str, patch: TestedPatch) -> CheckRun | None:
    fact = next((check for check in patch.checks if check.name == name), None)
    if fact is None:
        return None
    return CheckRun(fact.name, patch.head_sha, fact.passed, fact.examined, fact.detail)


def _insist(verdict: Verdict, review: Reviewed | None) -> None:
    if verdict.passed:
        return
    # What holds the gate for a person says nothing against doing the work again on the new base.
    against = tuple(reason for reason in verdict.reasons if reason.ruling is not Ruling.HOLD)
    if against and all(reason.code in _REWORK_CODES for reason in against):
        blocked = any(reason.code == "review_blocked" for reason in against)
        remarks = remarks_of(review) if review is not None and blocked else ()
        raise Rework(against[0].code, against[0].message, (*against, *remarks))
    raise StageFailed.by_gate(verdict)


def _take_lane(ctx: Context) -> None:
    """Let one task at a time travel from the merge to the end of its observation in production.

    What was staged is then exactly what ships, and a failed release is undone without
    taking another task with it.
    """
    if ctx.book("lane", ctx.ledger.lease, f"lane:{ctx.project.name}", ctx.scene.subject) is None:
        raise Waiting("another task is on its way through the environments", ctx.scene.attempt)


def _merge(ctx: Context, patch: TestedPatch, pull: Pull) -> Merge:
    try:
        return ctx.act(
            "merge",
            ctx.forge.merge,
            pull.number,
            head_sha=patch.head_sha,
            base_sha=patch.base_sha,
            message=commit_message(patch.approved.plan, patch.task, pull_request=pull.number),
            squash=True,
            key=ctx.key("merge"),
        )
    except TheirFault as error:
        if error.code in {"base_moved", "merge_conflict", "head_moved"}:
            raise Rework(error.code, error.message) from error
        raise
