"""A round trip through a queue: hand work in, and see it done."""

from __future__ import annotations

from keelway.clients.asking import ask_each, hand_in
from keelway.clients.health.ground import Ground
from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult


class QueueProbe:
    """Hand work in over HTTP and look after it until it is done, within the time of the question."""

    def __init__(self, ground: Ground | None = None) -> None:
        self._ground = ground or Ground()

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Send one piece of work after the other through; one that is not done in time is a failure."""
        return tuple(self._one(url, spec, about) for spec in specs)

    def _one(self, url: str, spec: ProbeSpec, about: About) -> ProbeResult:
        asked = self._ground.asked(
            spec, about.environment, about.release, lambda values: ask_each(hand_in, url, spec, values)
        )
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, asked.status, asked.wrong)


_check: type[Probe] = QueueProbe
ADAPTER = QueueProbe
