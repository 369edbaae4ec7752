"""Stage 7: does a live release still behave, a day long?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from keelway.core.gate.observed import Observed, judge_exceptions, judge_numbers, required
from keelway.core.model.verdict import Finding, Ruling, Verdict, combine, held, passed
from keelway.core.policy import ObservationPolicy, WatchPolicy

_QUIET = ObservationPolicy(on_inconclusive="pass")


@dataclass(frozen=True, kw_only=True)
class WatchFacts:
    """Hold what one check of the watch saw."""

    probes: tuple[Finding, ...]
    new_exceptions: tuple[str, ...]
    judgement: Observed


def judge_watch(facts: WatchFacts, policy: WatchPolicy) -> Verdict:
    """Decide what one check of the watch means.

    PASS: go on watching. HOLD: an anomaly, alert a person. FAIL: an anomaly while the rollback is
    armed, so take the release back. Too little traffic is not an anomaly; a missing reading is.
    """
    findings = [
        *required(facts.probes, "probe"),
        judge_exceptions(facts.new_exceptions),
        _numbers(facts.judgement),
    ]
    if not policy.rollback_armed:
        findings = [_alert_only(finding) for finding in findings]
    return combine("watch", findings)


def _numbers(observed: Observed) -> Finding:
    if observed.decision == "watch":
        return passed("numbers_watched", observed.sentence or "Nothing conspicuous so far.")
    return judge_numbers(observed, _QUIET)


def _alert_only(finding: Finding) -> Finding:
    if finding.ruling is Ruling.PASS and finding.examined < 1:
        return held(finding.code, f"{finding.message} Nothing was examined.")
    return replace(finding, ruling=Ruling.HOLD) if finding.ruling is Ruling.FAIL else finding
