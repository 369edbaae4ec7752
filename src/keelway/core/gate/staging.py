"""Stage 5: is the release healthy on staging, twice, and is the way back rehearsed?"""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.gate.observed import Observed, judge_exceptions, judge_numbers, required
from keelway.core.model.verdict import Finding, Verdict, combine
from keelway.core.policy import ObservationPolicy


@dataclass(frozen=True, kw_only=True)
class StagingFacts:
    """Hold what was seen of a release on staging."""

    probes_first: tuple[Finding, ...]
    probes_second: tuple[Finding, ...]
    """The same probes after the observation."""
    acceptance: tuple[Finding, ...]
    acceptance_expected: int
    """How many acceptance probes the plan holds; fewer results are a failure."""
    new_exceptions: tuple[str, ...]
    judgement: Observed
    old_release_boots: Finding
    """The previous release was started on the new schema and answered."""
    rehearsal: Finding
    """The way back was walked and timed."""
    dry_run: tuple[Finding, ...] = ()
    """What the migration did to a restored copy of real data; empty when the schema did not change."""


def judge_staging(facts: StagingFacts, policy: ObservationPolicy) -> Verdict:
    """Decide whether the release may go to production."""
    findings = [
        *required(facts.probes_first, "probe"),
        *required(facts.probes_second, "second probe", max(1, len(facts.probes_first))),
        *required(facts.acceptance, "acceptance", facts.acceptance_expected),
        judge_exceptions(facts.new_exceptions),
        judge_numbers(facts.judgement, policy),
        facts.old_release_boots,
        facts.rehearsal,
        *facts.dry_run,
    ]
    return combine("staging", findings)
