"""The fake and the HTTP probe keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.probe.patient import WebPatient, web_patient

from keelway.testing.conformance.probe import Patient, ProbeTests
from keelway.testing.fakes.probe import FakeProbe


class _FakePatient:
    url = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.probe = FakeProbe()

    def be(self, *, well: bool) -> None:
        self.probe.health = lambda _url, _spec: "" if well else "it is ill"


class TestFakeProbe(ProbeTests):
    @pytest.fixture
    def patient(self) -> Patient:
        return _FakePatient()


class TestHttpProbe(ProbeTests):
    @pytest.fixture
    def patient(self) -> Iterator[WebPatient]:
        with web_patient() as made:
            yield made
