"""What a gate said becomes a statement about exactly one commit or plan."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.attest.statement import (
    ALL_GATES,
    PROVING,
    STATEMENT,
    SUMMARY,
    Released,
    Verdict,
    gate_statement,
    is_verdict,
    payload_of,
    statement_line,
    summary_statement,
)
from keelway.core.model.event import Event, EventKind

NOW = datetime(2026, 2, 16, 14, 30, tzinfo=UTC)
SHA, POLICY = "a" * 40, "sha256:" + "b" * 64
RELEASED = Released("T-1", "harbour", "production", "r-aaaa", SHA, "live", NOW, POLICY)


def verdict(gate: str = "merge", ruling: str = "pass", **data) -> Verdict:
    findings = [{"code": "approved", "ruling": ruling}]
    more = {"gate": gate, "ruling": ruling, "findings": findings, **data}
    return Verdict(7, "c" * 64, Event(EventKind.GATE_JUDGED, NOW, "01J", "review", 2, data=more), POLICY)


def test_a_verdict_is_about_its_commit_and_plan():
    plan = "sha256:" + "d" * 64
    plain = gate_statement("T-1", "harbour", verdict(commit=SHA, plan=plan))
    assert plain["subject"] == [
        {"name": "harbour:commit", "digest": {"gitCommit": SHA}},
        {"name": "harbour:plan", "digest": {"sha256": "d" * 64}},
    ]
    assert (plain["_type"], plain["predicateType"]) == (STATEMENT, "urn:keelway:gate:merge:v1")
    predicate = plain["predicate"]
    assert (predicate["ruling"], predicate["event"]) == ("pass", {"sequence": 7, "sha256": "c" * 64})
    assert predicate["policy"] == {"digest": {"sha256": "b" * 64}}
    assert json.loads(payload_of(plain)) == plain


@pytest.mark.parametrize("data", [{}, {"commit": "HEAD"}, {"commit": 7, "plan": None}])
def test_without_either_it_is_about_its_place_in_the_chain(data):
    (subject,) = gate_statement("T-1", "harbour", verdict(**data))["subject"]
    assert subject == {"name": "harbour:event:7", "digest": {"sha256": "c" * 64}}


def all_gates(**changed: str) -> list[Verdict]:
    return [verdict(gate, changed.get(gate, "pass")) for gate in PROVING]


def test_a_release_passed_when_each_gate_did():
    payloads = [b"one", b"two"]
    plain = summary_statement(RELEASED, all_gates(), payloads)
    predicate = plain["predicate"]
    assert (plain["predicateType"], predicate["verificationResult"]) == (SUMMARY, "PASSED")
    assert predicate["verifiedLevels"] == [ALL_GATES]
    assert plain["subject"] == [{"name": "harbour:r-aaaa", "digest": {"gitCommit": SHA}}]
    digests = [entry["digest"]["sha256"] for entry in predicate["inputAttestations"]]
    assert digests == [hashlib.sha256(raw).hexdigest() for raw in payloads]


@pytest.mark.parametrize("gate", PROVING)
def test_a_gate_that_did_not_pass_in_the_end_fails_the_release(gate):
    for verdicts in (all_gates(**{gate: "hold"}), [each for each in all_gates() if each.gate != gate]):
        predicate = summary_statement(RELEASED, verdicts, [])["predicate"]
        assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", [])
    mended = [*all_gates(**{gate: "fail"}), verdict(gate)]
    assert summary_statement(RELEASED, mended, [])["predicate"]["verificationResult"] == "PASSED"


def test_a_release_that_was_taken_back_failed():
    back = replace(RELEASED, status="rolled_back")
    assert summary_statement(back, all_gates(), [])["predicate"]["verificationResult"] == "FAILED"


def test_statements_are_told_in_one_line():
    assert (
        statement_line(gate_statement("T-1", "harbour", verdict(commit=SHA)))
        == "harbour:commit: gate merge: pass"
    )
    assert statement_line(summary_statement(RELEASED, all_gates(), [])) == "harbour:r-aaaa: PASSED"


GOOD = gate_statement("T-1", "harbour", verdict(commit=SHA))


@pytest.mark.parametrize(
    "plain",
    [
        None,
        {},
        {**GOOD, "_type": "https://in-toto.io/Statement/v0.1"},
        {**GOOD, "subject": []},
        {**GOOD, "subject": {}},
        {**GOOD, "subject": ["x"]},
        {**GOOD, "subject": [{"name": "x", "digest": {}}]},
        {**GOOD, "subject": [{"digest": {"sha256": "a"}}]},
        {**GOOD, "subject": [{"name": "x", "digest": {"sha256": ""}}]},
        {**GOOD, "predicate": None},
        {**GOOD, "predicateType": "https://example.org/x"},
        {**GOOD, "predicateType": "urn:keelway:gate:plan:v1"},
    ],
)
def test_what_is_no_statement_of_ours(plain):
    with pytest.raises(ValueError):
        statement_line(plain)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(
                st.sampled_from(["_type", "subject", "predicate", "predicateType", "digest", "name"]),
                each,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_statement_or_a_value_error(plain):
    with contextlib.suppress(ValueError):
        statement_line(plain)


def test_which_events_are_verdicts():
    assert is_verdict(verdict().event)
    assert not is_verdict(replace(verdict().event, kind=EventKind.MERGED))
