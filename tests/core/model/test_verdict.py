"""The worst finding rules, and nothing examined is not passed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.verdict import Finding, Ruling, combine, failed, held, passed

ORDER = [Ruling.PASS, Ruling.HOLD, Ruling.FAIL]
findings = st.builds(
    Finding,
    code=st.sampled_from("abc"),
    ruling=st.sampled_from(ORDER),
    message=st.text(),
    examined=st.integers(0, 3),
)


def test_no_findings_fail() -> None:
    verdict = combine("plan", ())
    assert (verdict.ruling, verdict.passed, verdict.code, verdict.reasons) == (
        Ruling.FAIL,
        False,
        "nothing_examined",
        (),
    )


def test_a_pass_that_examined_nothing_fails() -> None:
    verdict = combine("plan", [passed("a", "A.", examined=0)])
    assert (verdict.ruling, verdict.code) == (Ruling.FAIL, "a")


def test_an_open_gate_says_passed() -> None:
    assert combine("plan", [passed("a", "A.", by="x")]).code == "passed"


def test_reasons_come_worst_first() -> None:
    verdict = combine("plan", [passed("a", "A."), held("b", "B."), failed("c", "C.")])
    assert [finding.code for finding in verdict.reasons] == ["c", "b"]
    assert verdict.code == "c"


@given(st.lists(findings, min_size=1, max_size=6))
def test_the_worst_rules(found: list[Finding]) -> None:
    verdict = combine("g", found)
    effective = [
        Ruling.FAIL if one.ruling is Ruling.PASS and one.examined < 1 else one.ruling for one in found
    ]
    worst = max(effective, key=ORDER.index)
    assert verdict.ruling is worst
    assert verdict.passed == (worst is Ruling.PASS)


@given(st.lists(findings, min_size=1, max_size=6), findings)
def test_one_more_finding_never_opens_a_gate(found: list[Finding], more: Finding) -> None:
    before, after = combine("g", found).ruling, combine("g", [*found, more]).ruling
    assert ORDER.index(after) >= ORDER.index(before)
