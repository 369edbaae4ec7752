"""An approval counts for exactly one thing; any change to that thing voids it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keelway.core.codec import digest
from keelway.core.model.task import SYSTEM, Actor
from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.policy import ReviewPolicy

YES, NO, REVISE = "yes", "no", "revise"
_SMALL_RISKS = frozenset({"low", "medium"})


@dataclass(frozen=True)
class Binding:
    """Name everything that an approval is about; an empty field is part of the name."""

    task: str
    """Id of the task."""
    action: str
    """What is allowed: ``plan``, ``merge``, ``deploy``, ``promote``, ``restore`` ..."""
    environment: str = ""
    head_sha: str = ""
    base_sha: str = ""
    tree_sha: str = ""
    plan_version: int = 0
    policy_digest: str = ""

    @property
    def digest(self) -> str:
        """Return the digest that an approval of this very thing carries."""
        return digest(self)


@dataclass(frozen=True)
class Approval:
    """Hold one person's answer to one question."""

    id: str
    binding_digest: str
    answer: str
    """``yes``, ``no`` or ``revise``."""
    remarks: str
    by: Actor
    at: datetime
    nonce: str
    """The one-time code of the question that was answered."""
    expires_at: datetime
    own_request: bool = False
    """The person who answered is the one who asked for the task."""


def judge_approval(
    approval: Approval | None,
    binding: Binding,
    *,
    now: datetime,
    requested_by: Actor,
    risk: str,
    policy: ReviewPolicy,
) -> Finding:
    """Decide whether ``approval`` lets exactly ``binding`` through at ``now``.

    A missing, void or expired answer holds, so that a person is asked (again); a no and an
    answer that no person gave fail. An own approval of anything above medium risk (or of unknown
    risk) counts only in single-user mode, and every own approval says so in its evidence.
    """
    if approval is None:
        return held("approval_missing", f"Nobody has answered yet whether to {binding.action}.")
    refusal = _not_valid(approval, binding, now) or _not_yes(approval)
    if refusal:
        return refusal
    own = approval.own_request or approval.by.name == requested_by.name
    if own and risk not in _SMALL_RISKS and not policy.single_user:
        return held(
            "approval_own",
            f"{approval.by} asked for this task and cannot approve its {risk or 'unknown'} risk alone; "
            "another person has to answer.",
        )
    note = " (the requester's own approval)" if own else ""
    return passed(
        "approved",
        f"{approval.by} approved at {approval.at:%Y-%m-%d %H:%M} UTC{note}.",
        approval=approval.id,
        by=str(approval.by),
        own_request="yes" if own else "no",
        remarks=approval.remarks,
    )


def _not_valid(approval: Approval, binding: Binding, now: datetime) -> Finding | None:
    if approval.by == SYSTEM or approval.by.channel == SYSTEM.channel or not approval.by.name:
        return failed("approval_by_machine", "Only a person can approve; this answer came from the system.")
    if not approval.nonce:
        return failed("approval_unasked", "The answer carries no code of a question that was asked.")
    if approval.binding_digest != binding.digest:
        return held(
            "approval_void",
            f"The approval by {approval.by} was for another state of the task; something changed since. "
            "It has to be asked again.",
        )
    if approval.at > now:
        return failed("approval_in_future", "The answer is dated after the present moment.")
    if max(approval.at, now) >= approval.expires_at:
        return held(
            "approval_expired",
            f"The approval by {approval.by} expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC.",
        )
    return None


def _not_yes(approval: Approval) -> Finding | None:
    said = f": {approval.remarks}" if approval.remarks else "."
    if approval.answer == YES:
        return None
    if approval.answer == NO:
        return failed("approval_denied", f"{approval.by} said no{said}", remarks=approval.remarks)
    if approval.answer == REVISE:
        return failed("approval_revise", f"{approval.by} wants changes{said}", remarks=approval.remarks)
    return failed("approval_unclear", f"The answer {approval.answer!r} is neither yes, no nor revise.")
