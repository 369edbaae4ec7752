"""Which answers are good, and what is said of the others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.project import FollowUp, ProbeSpec
from keelway.core.probe.answer import Answered, numbers_in, totals_of, worst_of, wrong_of, wrong_row
from keelway.core.probe.disguise import AGENTS, disguise
from keelway.core.probe.fill import answered, field_of, fill, filled, following, parsed, secrets_of

GOOD = Answered(
    200, '{"status": "ok", "build": {"release": "r-1"}}', 12.0, {"Content-Type": "application/json"}
)
SPEC = ProbeSpec("one", "/healthz")


def test_a_good_answer_is_good():
    spec = replace(
        SPEC,
        body_contains='"ok"',
        body_lacks="error",
        headers={"content-type": "JSON", "Content-Type": ""},
        release="json build.release",
    )
    assert wrong_of(spec, GOOD, "r-1") == ""
    assert wrong_of(replace(spec, release="header X"), GOOD, "") == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": 201}, "answered 200, not 201"),
        ({"body_contains": "fine"}, "without 'fine'"),
        ({"body_lacks": "status"}, "with 'status'"),
        ({"headers": {"X-Frame": ""}}, "without the header X-Frame"),
        ({"headers": {"Content-Type": "html"}}, "with Content-Type: application/json, which lacks 'html'"),
        ({"latency_ms_max": 10.0}, "took 12 ms, at most 10"),
        ({"release": "json build.release"}, "was answered by r-1, not by r-2"),
        ({"release": "json build.name"}, "a release without a name, not by r-2"),
        ({"release": "header X-Release"}, "a release without a name, not by r-2"),
    ],
)
def test_each_deviation_is_named(changed, said):
    assert said in wrong_of(replace(SPEC, **changed), GOOD, "r-2")


def test_a_header_may_say_which_release_answers():
    told = replace(GOOD, headers={"x-release": "r-2"})
    assert wrong_of(replace(SPEC, release="header X-Release"), told, "r-2") == ""


@pytest.mark.parametrize(
    ("spec", "row", "said"),
    [
        ({}, (), ""),
        ({"value_min": 1}, (1,), ""),
        ({"value_min": 2}, ("1.5",), "is 1.5, at least 2"),
        ({"value_max": 2}, (3,), "is 3, at most 2"),
        ({"value_max": 2}, (), "begins with nothing"),
        ({"value_max": 2}, ("many",), "begins with many, which is no number"),
        ({"value_max": 2}, (float("nan"),), "no number"),
        ({"value_max": 2}, (True,), "no number"),
        ({"counts": True}, (10, 1), ""),
        ({"counts": True}, (10,), "no two whole numbers"),
        ({"counts": True}, (10, 0.5), "no two whole numbers"),
        ({"counts": True}, (-1, 0), "no two whole numbers"),
    ],
)
def test_numbers_have_bounds(spec, row, said):
    found = wrong_row(ProbeSpec("one", **spec), row)
    assert said in found
    assert bool(found) == bool(said)


def test_totals_and_numbers_of_a_text():
    assert totals_of((3, "4", 5)) == (3, 4)
    assert totals_of(("x", 1)) == (-1, 1)
    assert numbers_in("12, 3 done") == (12.0, 3.0)
    assert numbers_in("") == ()
    assert worst_of([("a", ""), ("b", "late")]) == "b: late"


def test_placeholders_are_filled_and_other_braces_stay():
    spec = ProbeSpec(
        "one",
        "/echo/{nonce}",
        send_json='{"text": "{nonce}", "n": {number}}',
        body_contains="{nonce}",
        body_lacks="{unknown}",
        headers={"X": "{nonce}"},
        send_headers={"Authorization": "Bearer {secret:KEY}"},
        run=("say", "{nonce}"),
        then=FollowUp("/jobs/{answer.id}", body_contains="{nonce}", send_json='{"text": "{nonce}"}'),
    )
    values = {"nonce": "abc", "number": "7", "secret:KEY": "k"}
    ready = filled(spec, values)
    assert ready.path == "/echo/abc"
    assert json.loads(ready.send_json) == {"text": "abc", "n": 7}
    assert (ready.body_contains, ready.body_lacks) == ("abc", "{unknown}")
    assert (ready.headers, ready.send_headers) == ({"X": "abc"}, {"Authorization": "Bearer k"})
    assert ready.run == ("say", "abc")
    second = following(ready, '{"id": 12, "state": "queued", "list": []}')
    assert (second.path, second.body_contains, second.then) == ("/jobs/12", "abc", FollowUp())
    assert second.headers == {}
    assert secrets_of(spec) == {"KEY"}
    assert secrets_of(ProbeSpec("sql", kind="sql", database="secret:DB")) == {"DB"}


def test_answers_that_are_no_objects_have_no_fields():
    assert answered("[1]") == answered("no") == {}
    assert answered('{"id": true, "name": "x"}') == {"answer.id": "true", "answer.name": "x"}
    assert parsed("{") is None
    assert field_of('{"a": {"b": 1}}', "a.b") == "1"
    assert field_of('{"a": {"b": "x"}}', "a.b") == "x"
    assert field_of('{"a": 1}', "a.b") is None
    assert fill("{a.b} {A}", {}) == "{a.b} {A}"


@given(st.integers(0, 2**32))
def test_every_disguise_is_one_of_a_user(number):
    headers = disguise(number)
    assert headers["User-Agent"] in AGENTS
    assert "keelway" not in json.dumps(headers).lower()
    assert set(headers) <= {"User-Agent", "Accept", "Accept-Language"}
