"""The emergency stop holds effects, except those of a begun rollback."""

from __future__ import annotations

from datetime import datetime

from keelway.core.model.verdict import Ruling
from keelway.core.rule.freeze import Freeze, judge_effect


def test_without_a_freeze_effects_go_on() -> None:
    assert judge_effect(Freeze(), "target.deploy", rollback_begun=False).ruling is Ruling.PASS


def test_a_freeze_holds_and_says_whose_it_is(now: datetime) -> None:
    finding = judge_effect(Freeze(True, "anna", "database down", now), "target.deploy", rollback_begun=False)
    assert (finding.code, finding.ruling) == ("freeze_in_force", Ruling.HOLD)
    assert finding.message == (
        "target.deploy is held by the freeze of anna since 2026-02-16 14:30 UTC: database down. Next: keelway unfreeze."
    )
    assert "an unknown person." in judge_effect(Freeze(active=True), "x", rollback_begun=False).message


def test_a_begun_rollback_finishes() -> None:
    finding = judge_effect(Freeze(active=True), "target.switch", rollback_begun=True)
    assert (finding.code, finding.ruling) == ("rollback_finishes", Ruling.PASS)
