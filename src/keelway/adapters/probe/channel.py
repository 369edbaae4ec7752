"""Channels of an application: a ping, then a message whose reply is read."""

from __future__ import annotations

from keelway.clients.asking import ask_each, talk
from keelway.clients.health.ground import Ground
from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult


class ChannelProbe:
    """Ping every named channel and send a smoke message through it."""

    def __init__(self, ground: Ground | None = None) -> None:
        self._ground = ground or Ground()

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Try one channel after the other; the answer is that of the worst one, with its name."""
        return tuple(self._one(url, spec, about) for spec in specs)

    def _one(self, url: str, spec: ProbeSpec, about: About) -> ProbeResult:
        asked = self._ground.asked(
            spec, about.environment, about.release, lambda values: ask_each(talk, url, spec, values)
        )
        return ProbeResult(spec.name, not asked.wrong, asked.latency_ms, asked.status, asked.wrong)


_check: type[Probe] = ChannelProbe
ADAPTER = ChannelProbe
