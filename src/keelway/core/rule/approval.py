"""An approval counts for exactly one thing; any change to that thing voids it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keelway.core.codec import digest
from keelway.core.consent.people import MACHINES
from keelway.core.consent.quorum import OwnerGroup, Terms, group_line, lacking
from keelway.core.model.task import Actor
from keelway.core.model.verdict import Finding, Ruling, failed, held, passed
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
    person: str = ""
    """Name under which the answers of this person are counted; empty for the name of the actor."""

    @property
    def who(self) -> str:
        """Return the person whose answer this is."""
        return self.person or self.by.name


def terms_of(policy: ReviewPolicy, risk: str, groups: tuple[OwnerGroup, ...] = ()) -> Terms:
    """Return whose yes is needed for something of this risk."""
    return Terms(own_counts=policy.single_user or risk in _SMALL_RISKS, groups=groups)


def settled(answers: Sequence[Approval], terms: Terms) -> Approval | None:
    """Return the answer that closes a question, ``None`` as long as somebody still has to be asked.

    Whoever says something else than yes closes it alone.
    """
    against = next((each for each in answers if each.answer != YES), None)
    if against is not None:
        return against
    counted = [each for each in answers if terms.own_counts or not each.own_request]
    if not counted or lacking(terms.groups, {each.who for each in counted}):
        return None
    return counted[-1]


def judge_answers(  # noqa: PLR0913 - everything that an answer is held against, by name
    answers: Sequence[Approval],
    binding: Binding,
    *,
    now: datetime,
    requested_by: Actor,
    risk: str,
    policy: ReviewPolicy,
    groups: tuple[OwnerGroup, ...] = (),
) -> Finding:
    """Decide whether all answers together let exactly ``binding`` through at ``now``.

    One no is enough to fail; the yeses have to reach every group that owns a touched path.
    """

    def judge(approval: Approval | None) -> Finding:
        return judge_approval(approval, binding, now=now, requested_by=requested_by, risk=risk, policy=policy)

    if not answers:
        return judge(None)
    judged = [judge(each) for each in answers]
    against = next((finding for finding in judged if finding.ruling is Ruling.FAIL), None)
    if against is not None:
        return against
    good = [pair for pair in zip(answers, judged, strict=True) if pair[1].ruling is Ruling.PASS]
    if not good:
        return judged[0]
    missing = lacking(groups, {each.who for each, _ in good})
    if missing:
        said = ", ".join(str(each.by) for each, _ in good)
        needed = "; ".join(map(group_line, missing))
        return held("approval_incomplete", f"{said} said yes. Still needed is the yes of: {needed}.")
    if len(good) == 1:
        return good[0][1]
    names = ", ".join(str(each.by) for each, _ in good)
    message = " ".join(finding.message for _, finding in good)
    return replace(good[-1][1], message=message, evidence={**good[-1][1].evidence, "by": names})


def changed_since(before: Binding, after: Binding) -> tuple[str, ...]:
    """Say what differs between what was asked before and what is asked now."""
    words = (
        ("commit", before.head_sha[:12], after.head_sha[:12]),
        ("base", before.base_sha[:12], after.base_sha[:12]),
        ("content", before.tree_sha[:19], after.tree_sha[:19]),
        ("plan version", str(before.plan_version), str(after.plan_version)),
        ("policy", before.policy_digest[:19], after.policy_digest[:19]),
    )
    return tuple(
        f"{name}: {old or 'nothing'} became {new or 'nothing'}" for name, old, new in words if old != new
    )


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
    if approval.by.channel in MACHINES or not approval.by.name:
        return failed("approval_by_machine", "Only a person can approve; this answer came from a program.")
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
