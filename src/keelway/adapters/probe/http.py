"""Health questions over plain HTTP."""

from __future__ import annotations

from keelway.clients.asking import ask
from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import Probe, ProbeResult


class HttpProbe:
    """Ask a running application over its own address."""

    def ask(self, url: str, specs: tuple[ProbeSpec, ...]) -> tuple[ProbeResult, ...]:
        """Ask one question after the other; an answer that is late, wrong or missing is a failure."""
        return tuple(self._one(url, spec) for spec in specs)

    @staticmethod
    def _one(url: str, spec: ProbeSpec) -> ProbeResult:
        asked = ask(url, spec)
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, asked.status, asked.wrong)


_check: type[Probe] = HttpProbe
ADAPTER = HttpProbe
