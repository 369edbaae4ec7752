"""The plain form of values keeps everything and is one text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelway.core.codec import canonical, digest, from_json, to_json
from keelway.core.model.plan import Kind, Plan
from keelway.core.policy import Policy


@dataclass(frozen=True)
class Sample:
    name: str
    count: int = 0
    share: float = 0.0
    good: bool = False
    at: datetime | None = None
    tags: tuple[str, ...] = ()
    rows: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)


samples = st.builds(
    Sample,
    name=st.text(),
    count=st.integers(),
    share=st.floats(allow_nan=False, allow_infinity=False),
    good=st.booleans(),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    tags=st.lists(st.text()).map(tuple),
    rows=st.dictionaries(st.text(), st.lists(st.tuples(st.integers(), st.text())).map(tuple)),
)


@settings(max_examples=40)
@given(samples)
def test_a_value_survives_its_plain_form(sample: Sample) -> None:
    assert from_json(Sample, json.loads(json.dumps(to_json(sample)))) == sample


@settings(max_examples=40)
@given(samples, samples)
def test_digests_tell_values_apart(a: Sample, b: Sample) -> None:
    assert (digest(a) == digest(b)) == (canonical(a) == canonical(b))
    assert canonical(a).isascii()


def test_instants_are_kept_in_utc() -> None:
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert to_json(Sample("x", at=east))["at"] == "2026-01-01T00:00:00+00:00"
    assert from_json(datetime, east) == east


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"name": 1},
        {"name": "x", "count": "1"},
        {"name": "x", "count": True},
        {"name": "x", "share": "1"},
        {"name": "x", "share": True},
        {"name": "x", "good": 1},
        {"name": "x", "at": "2026-01-01T00:00:00"},
        {"name": "x", "strange": 1},
    ],
)
def test_what_does_not_fit_is_refused(plain: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"."):
        from_json(Sample, plain)


def test_not_a_number_has_no_digest() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest(Sample("x", share=float("nan")))


def test_a_whole_number_is_a_real_one() -> None:
    assert from_json(Sample, {"name": "x", "share": 1}).share == 1.0


def test_words_of_a_list_become_plain_text(plan: Plan) -> None:
    assert type(to_json(plan)["kind"]) is str
    assert type(to_json(plan.kind)) is str


def test_words_of_a_list_come_back_as_members_of_it(plan: Plan) -> None:
    back = from_json(Plan, to_json(plan))
    assert back.kind is Kind.FEATURE
    with pytest.raises(Exception, match=r"."):
        from_json(Plan, {**to_json(plan), "kind": "banana"})


def test_big_values_round_trip(plan: Plan, policy: Policy) -> None:
    assert from_json(Plan, to_json(plan)) == plan
    assert from_json(Policy, to_json(policy)) == policy
    assert policy.digest == Policy().digest
