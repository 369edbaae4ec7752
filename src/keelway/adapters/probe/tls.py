"""The certificate that users see: trusted, for the right name, and not about to end."""

from __future__ import annotations

import time

from keelway.clients.asking import Asked
from keelway.clients.health.certificate import days_left
from keelway.clients.health.ground import Ground
from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult


class TlsProbe:
    """Greet servers as a browser would and read how long their certificates are good for."""

    def __init__(self, ground: Ground | None = None) -> None:
        self._ground = ground or Ground()

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Look at one certificate after the other; one that is not to be trusted, or ends soon, is a failure."""
        del url
        return tuple(self._one(spec, about) for spec in specs)

    def _one(self, spec: ProbeSpec, about: About) -> ProbeResult:
        def way(_values: dict[str, str]) -> Asked:
            began = time.monotonic()
            days = days_left(spec.address, spec.trust, spec.latency_ms_max / 1000)
            spent_ms = (time.monotonic() - began) * 1000
            soon = f"the certificate of {spec.address} ends in {days:.1f} days, {spec.days_min:g} are wanted"
            return Asked(spent_ms, wrong=soon if days < spec.days_min else "")

        asked = self._ground.asked(spec, about.environment, about.release, way)
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, 0, asked.wrong)


_check: type[Probe] = TlsProbe
ADAPTER = TlsProbe
