"""What the gates of a running release share: the decision on its numbers, and grouped findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.policy import ObservationPolicy

_SHOWN_MAX = 5


@dataclass(frozen=True)
class Observed:
    """Carry the decision on a release's numbers from the statistics to a gate."""

    decision: str = ""
    """``rollback``, ``watch``, ``pass`` or ``inconclusive``; empty when nothing was measured."""
    sentence: str = ""
    """The decision and its main figures for a person."""


def judge_numbers(observed: Observed, policy: ObservationPolicy) -> Finding:
    """Turn the decision on the numbers into a finding; an absent one is a failure."""
    said = observed.sentence or "Without figures."
    if observed.decision == "pass":
        return passed("numbers_good", said)
    if observed.decision == "rollback":
        return failed("numbers_bad", said)
    if observed.decision == "watch":
        return held("numbers_undecided", f"The watch has not come to an end. {said}")
    if observed.decision == "inconclusive":
        return _inconclusive(said, policy)
    return failed("numbers_missing", "The release's numbers were not measured.", examined=0)


def _inconclusive(said: str, policy: ObservationPolicy) -> Finding:
    if policy.on_inconclusive == "pass":
        return passed("numbers_inconclusive", f"Too little evidence; the policy lets it pass. {said}")
    return held("numbers_inconclusive", f"Too little evidence; a person has to decide. {said}")


def required(findings: tuple[Finding, ...], name: str, at_least: int = 1) -> list[Finding]:
    """Return the findings, and a failure when fewer than ``at_least`` were delivered."""
    if len(findings) >= at_least:
        return list(findings)
    return [
        *findings,
        failed(
            f"{name}_missing",
            f"{len(findings)} of {at_least} expected {name} results are there; an absent one is not passed.",
            examined=0,
        ),
    ]


def judge_exceptions(new_exceptions: Iterable[str]) -> Finding:
    """Fail when the release throws what its predecessor did not."""
    new = tuple(new_exceptions)
    if new:
        shown = "; ".join(new[:_SHOWN_MAX]) + (
            f" and {len(new) - _SHOWN_MAX} more" if new[_SHOWN_MAX:] else ""
        )
        return failed("new_exceptions", f"{len(new)} new exception(s): {shown}.", examined=len(new))
    return passed("no_new_exceptions", "No exception that the release before did not throw.")
