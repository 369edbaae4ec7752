"""Health questions over plain HTTP, asked as a user would."""

from __future__ import annotations

from keelway.clients.asking import ask, ask_each
from keelway.clients.health.ground import Ground
from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult


class HttpProbe:
    """Ask a running application over its own address."""

    def __init__(self, ground: Ground | None = None) -> None:
        self._ground = ground or Ground()

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Ask one question after the other; an answer that is late, wrong or missing is a failure."""
        return tuple(self._one(url, spec, about) for spec in specs)

    def _one(self, url: str, spec: ProbeSpec, about: About) -> ProbeResult:
        asked = self._ground.asked(
            spec, about.environment, about.release, lambda values: ask_each(ask, url, spec, values)
        )
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, asked.status, asked.wrong)


_check: type[Probe] = HttpProbe
ADAPTER = HttpProbe
