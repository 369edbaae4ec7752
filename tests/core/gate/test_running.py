"""The gates of a running release: staging, production and the watch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelway.core.gate.observed import Observed, judge_exceptions
from keelway.core.gate.production import ProductionFacts, judge_production
from keelway.core.gate.staging import StagingFacts, judge_staging
from keelway.core.gate.watch import WatchFacts, judge_watch
from keelway.core.model.verdict import Ruling, failed, passed
from keelway.core.policy import ObservationPolicy, Policy, WatchPolicy

FINE, BAD = passed("probe_ok", "Fine."), failed("probe_bad", "500.")
GOOD = Observed("pass", "0 of 240 requests failed.")
STAGING = StagingFacts(
    probes_first=(FINE, FINE),
    probes_second=(FINE, FINE),
    acceptance=(FINE,),
    acceptance_expected=1,
    new_exceptions=(),
    judgement=GOOD,
    old_release_boots=passed("boots", "Yes."),
    rehearsal=passed("rehearsed", "3.5 s."),
)
PRODUCTION = ProductionFacts(
    probes=(FINE,),
    acceptance=(FINE,),
    acceptance_expected=1,
    limits=(passed("error_rate", "0.1%."),),
    workers=(passed("queue", "Empty."),),
    workers_expected=1,
    new_exceptions=(),
    judgement=GOOD,
    measure_errors=0,
)
WATCH = WatchFacts(probes=(FINE,), new_exceptions=(), judgement=GOOD)
NUMBERS = [
    (Observed("rollback", "12% failed."), Ruling.FAIL, "numbers_bad"),
    (Observed("watch", "So far so good."), Ruling.HOLD, "numbers_undecided"),
    (Observed(), Ruling.FAIL, "numbers_missing"),
    (Observed("healthy", "?"), Ruling.FAIL, "numbers_missing"),
]


def test_healthy_twice_and_rehearsed_passes_staging(policy: Policy) -> None:
    assert judge_staging(STAGING, policy.staging).passed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"probes_first": ()}, "probe_missing"),
        ({"probes_second": (FINE,)}, "second probe_missing"),
        ({"probes_second": (FINE, BAD)}, "probe_bad"),
        ({"acceptance": ()}, "acceptance_missing"),
        ({"new_exceptions": ("KeyError in app.py",)}, "new_exceptions"),
        ({"old_release_boots": failed("boots_not", "No.")}, "boots_not"),
        ({"rehearsal": failed("not_rehearsed", "No.")}, "not_rehearsed"),
    ],
)
def test_staging_fails(policy: Policy, change: dict[str, object], code: str) -> None:
    verdict = judge_staging(replace(STAGING, **change), policy.staging)
    assert (verdict.ruling, verdict.code) == (Ruling.FAIL, code)


@pytest.mark.parametrize(("observed", "ruling", "code"), NUMBERS)
def test_the_numbers_rule_staging_and_production(
    policy: Policy, observed: Observed, ruling: Ruling, code: str
) -> None:
    staged = judge_staging(replace(STAGING, judgement=observed), policy.staging)
    live = judge_production(replace(PRODUCTION, judgement=observed), policy.production)
    assert {(staged.ruling, staged.code), (live.ruling, live.code)} == {(ruling, code)}


def test_too_little_evidence_follows_the_policy() -> None:
    facts = replace(PRODUCTION, judgement=Observed("inconclusive", "4 requests."))
    hold = judge_production(facts, ObservationPolicy(on_inconclusive="hold"))
    assert (hold.ruling, hold.code) == (Ruling.HOLD, "numbers_inconclusive")
    go_on = judge_production(facts, ObservationPolicy(on_inconclusive="pass"))
    assert go_on.passed
    assert "Too little evidence; the policy lets it pass. 4 requests." in {
        one.message for one in go_on.findings
    }
    assert judge_production(facts, ObservationPolicy(on_inconclusive="strange")).ruling is Ruling.HOLD


def test_production_within_its_limits_passes(policy: Policy) -> None:
    assert judge_production(PRODUCTION, policy.production).passed
    bare = replace(PRODUCTION, acceptance=(), acceptance_expected=0, workers=(), workers_expected=0)
    assert judge_production(bare, policy.production).passed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"probes": ()}, "probe_missing"),
        ({"probes": (BAD,)}, "probe_bad"),
        ({"limits": ()}, "limit_missing"),
        ({"workers": ()}, "worker_missing"),
        ({"acceptance_expected": 2}, "acceptance_missing"),
        ({"measure_errors": 3}, "measure_failed"),
        ({"new_exceptions": ("A",)}, "new_exceptions"),
    ],
)
def test_production_fails(policy: Policy, change: dict[str, object], code: str) -> None:
    verdict = judge_production(replace(PRODUCTION, **change), policy.production)
    assert (verdict.ruling, verdict.code) == (Ruling.FAIL, code)


def test_many_exceptions_are_counted_and_cut() -> None:
    finding = judge_exceptions(f"E{number}" for number in range(7))
    assert finding.message == "7 new exception(s): E0; E1; E2; E3; E4 and 2 more."


ARMED, UNARMED = WatchPolicy(rollback_armed=True), WatchPolicy()


@pytest.mark.parametrize("decision", ["pass", "watch", "inconclusive"])
def test_the_watch_goes_on(decision: str) -> None:
    for sentence in ("", "Fine."):
        assert judge_watch(replace(WATCH, judgement=Observed(decision, sentence)), ARMED).passed


@pytest.mark.parametrize(
    "change",
    [
        {"probes": ()},
        {"probes": (BAD,)},
        {"probes": (passed("probe_ok", "None ran.", examined=0),)},
        {"new_exceptions": ("A",)},
        {"judgement": Observed("rollback", "12%.")},
        {"judgement": Observed()},
    ],
)
def test_an_anomaly_alerts_or_rolls_back(change: dict[str, object]) -> None:
    assert judge_watch(replace(WATCH, **change), UNARMED).ruling is Ruling.HOLD
    assert judge_watch(replace(WATCH, **change), ARMED).ruling is Ruling.FAIL
