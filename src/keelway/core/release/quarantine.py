"""Keep a commit that was taken back from coming along with a later release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.verdict import Finding, failed, passed


@dataclass(frozen=True)
class CarriedCommit:
    """State whether a release holds one quarantined commit, and whether it holds its revert."""

    bad_sha: str
    contains_bad: bool
    contains_revert: bool


def contains_quarantined(facts: Iterable[CarriedCommit]) -> Finding:
    """Refuse a release that holds a quarantined commit without its revert.

    Args:
        facts: one for every commit in quarantine, found out from the release's ancestry.
    """
    carried = tuple(facts)
    bad = [fact.bad_sha[:12] for fact in carried if fact.contains_bad and not fact.contains_revert]
    if bad:
        return failed(
            "quarantined",
            f"The release holds {len(bad)} quarantined commit(s) without a revert: {', '.join(bad)}.",
            examined=len(carried),
        )
    return passed(
        "not_quarantined",
        f"None of {len(carried)} quarantined commit(s) is carried.",
        examined=max(1, len(carried)),
    )
