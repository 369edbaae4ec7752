"""Which answers of an application count as healthy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.probe.patient import WebPatient, web_patient

from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import ProbeResult


@pytest.fixture
def patient() -> Iterator[WebPatient]:
    with web_patient() as made:
        yield made


def ask(patient: WebPatient, spec: ProbeSpec) -> ProbeResult:
    (result,) = patient.probe.ask(patient.url, (spec,))
    return result


def test_body_and_status_must_be_as_expected(patient: WebPatient) -> None:
    patient.status, patient.body = 201, b'{"status": "ok"}'
    spec = ProbeSpec("post", "/ships?x=1", "POST", 201, '"ok"', '{"name": "Ada"}')
    assert ask(patient, spec).ok
    assert patient.asked == [("POST", "/ships?x=1", b'{"name":"Ada"}')]
    patient.body = b'{"status": "schema_behind"}'
    result = ask(patient, spec)
    assert not result.ok
    assert "without" in result.detail


def test_a_redirect_is_not_followed(patient: WebPatient) -> None:
    patient.status = 302
    result = ask(patient, ProbeSpec("one"))
    assert (result.ok, result.status) == (False, 302)
    assert len(patient.asked) == 1


def test_a_late_answer_is_no_answer(patient: WebPatient) -> None:
    patient.seconds = 0.5
    result = ask(patient, ProbeSpec("one", latency_ms_max=100.0))
    assert (result.ok, result.status) == (False, 0)
    assert result.latency_ms == 100.0


def test_nobody_and_nonsense_are_failures(patient: WebPatient) -> None:
    (nobody,) = patient.probe.ask("http://127.0.0.1:9", (ProbeSpec("one"),))
    assert not nobody.ok
    assert "unreachable" not in nobody.detail
    assert "no answer" in nobody.detail
    assert "not JSON" in ask(patient, ProbeSpec("one", send_json="{")).detail
    patient.body = b"x" * 2_000_000
    assert "more than" in ask(patient, ProbeSpec("one")).detail
