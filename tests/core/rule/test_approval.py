"""An approval counts for exactly one thing, for a while, from a person."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.codec import from_json, to_json
from keelway.core.model.task import SYSTEM, Actor
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.policy import ReviewPolicy
from keelway.core.rule.approval import Approval, Binding, judge_approval

ANNA, BERT = Actor("anna", "telegram"), Actor("bert", "cli")
BINDING = Binding("01J", "merge", "production", "a" * 40, "b" * 40, "c" * 40, 3, "sha256:0")
NOW = datetime.fromisoformat("2026-02-16T14:30:00+00:00")
YES = Approval("ap-1", BINDING.digest, "yes", "", BERT, NOW, "nonce", NOW + timedelta(days=3))


@dataclass(frozen=True)
class Case:
    change: dict[str, object]
    code: str
    ruling: Ruling


def judge(
    approval: Approval | None, binding: Binding = BINDING, risk: str = "low", *, single: bool = False
) -> Finding:
    policy = ReviewPolicy(single_user=single)
    return judge_approval(
        approval, binding, now=NOW + timedelta(hours=1), requested_by=ANNA, risk=risk, policy=policy
    )


def test_a_yes_to_this_very_thing_passes() -> None:
    finding = judge(YES, risk="high")
    assert (finding.code, finding.ruling) == ("approved", Ruling.PASS)
    assert finding.evidence == {"approval": "ap-1", "by": "bert@cli", "own_request": "no", "remarks": ""}


def test_nobody_answered() -> None:
    assert judge(None).code == "approval_missing"
    assert judge(None).ruling is Ruling.HOLD


@given(
    st.sampled_from([one.name for one in fields(Binding)]), st.text(min_size=1, max_size=4), st.integers(1, 9)
)
def test_any_change_of_any_field_voids_it(name: str, text: str, number: int) -> None:
    before = getattr(BINDING, name)
    changed = replace(BINDING, **{name: before + (number if isinstance(before, int) else text)})
    finding = judge(YES, changed)
    assert (finding.code, finding.ruling) == ("approval_void", Ruling.HOLD)


@pytest.mark.parametrize(
    "case",
    [
        Case({"answer": "no", "remarks": "not now"}, "approval_denied", Ruling.FAIL),
        Case({"answer": "revise", "remarks": "other library"}, "approval_revise", Ruling.FAIL),
        Case({"answer": "Yes"}, "approval_unclear", Ruling.FAIL),
        Case({"answer": ""}, "approval_unclear", Ruling.FAIL),
        Case({"nonce": ""}, "approval_unasked", Ruling.FAIL),
        Case({"by": SYSTEM}, "approval_by_machine", Ruling.FAIL),
        Case({"by": Actor("reviewer", "system")}, "approval_by_machine", Ruling.FAIL),
        Case({"by": Actor("")}, "approval_by_machine", Ruling.FAIL),
        Case({"at": NOW + timedelta(hours=2)}, "approval_in_future", Ruling.FAIL),
        Case({"expires_at": NOW + timedelta(hours=1)}, "approval_expired", Ruling.HOLD),
        Case(
            {"at": NOW - timedelta(days=9), "expires_at": NOW - timedelta(days=8)},
            "approval_expired",
            Ruling.HOLD,
        ),
    ],
)
def test_what_does_not_count(case: Case) -> None:
    finding = judge(replace(YES, **case.change))
    assert (finding.code, finding.ruling) == (case.code, case.ruling)


@pytest.mark.parametrize(
    "own", [replace(YES, own_request=True), replace(YES, by=ANNA), replace(YES, by=Actor("anna"))]
)
def test_own_approval_of_high_risk_needs_single_user_mode(own: Approval) -> None:
    for risk in ("high", "", "strange"):
        assert judge(own, risk=risk).code == "approval_own"
        alone = judge(own, risk=risk, single=True)
        assert alone.ruling is Ruling.PASS
        assert alone.evidence["own_request"] == "yes"
        assert "own approval" in alone.message
    assert judge(own, risk="medium").ruling is Ruling.PASS


def test_it_survives_its_plain_form() -> None:
    assert from_json(Approval, to_json(YES)) == YES
    assert from_json(Binding, to_json(BINDING)).digest == BINDING.digest
