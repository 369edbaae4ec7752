"""Hold every probe to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from typing import Protocol

from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import About, Probe


class Patient(Protocol):
    """Give a probe and an application to ask."""

    probe: Probe
    url: str

    def be(self, *, well: bool) -> None:
        """Let the application answer well, or answer wrongly."""
        ...


class ProbeTests:
    """Subclass it with one fixture: ``patient``."""

    def test_every_question_has_its_answer_in_order(self, patient: Patient) -> None:
        patient.be(well=True)
        specs = (ProbeSpec("one"), ProbeSpec("two"))
        results = patient.probe.ask(patient.url, specs)
        assert [(result.name, result.ok, result.status) for result in results] == [
            ("one", True, 200),
            ("two", True, 200),
        ]
        assert all(result.latency_ms > 0 and not result.detail for result in results)
        assert patient.probe.ask(patient.url, ()) == ()
        assert patient.probe.ask(patient.url, specs[:1], About("staging", "r1"))[0].ok

    def test_a_wrong_answer_says_why(self, patient: Patient) -> None:
        patient.be(well=False)
        (result,) = patient.probe.ask(patient.url, (ProbeSpec("one"),))
        assert not result.ok
        assert result.detail
