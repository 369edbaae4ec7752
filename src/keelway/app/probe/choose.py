"""Give every health question to the adapter of its kind, several at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.clients.health.ground import Ground
from keelway.clients.places import Places
from keelway.core.errors import KeelwayError
from keelway.core.model.project import ProbeSpec
from keelway.core.probe.problems import KINDS
from keelway.ports.probe import NOBODY, About, Probe, ProbeResult
from keelway.ports.vault import Vault

AT_ONCE = 8
"""Questions that are asked at the same time: a slow one must not hold up the look at the others."""


class EveryKind:
    """Ask each question by its kind; the answers come in the order of the questions."""

    def __init__(self, adapter: Callable[[str], Probe]) -> None:
        self._adapter = adapter
        self._known: dict[str, Probe] = {}

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Ask everything; a kind that cannot be loaded is a failure of its question."""
        if len(specs) < 2:  # noqa: PLR2004 - one needs no threads
            return tuple(self._one(url, spec, about) for spec in specs)
        with ThreadPoolExecutor(min(AT_ONCE, len(specs)), "probe") as pool:
            return tuple(pool.map(lambda spec: self._one(url, spec, about), specs))

    def _one(self, url: str, spec: ProbeSpec, about: About) -> ProbeResult:
        try:
            adapter = self._known.get(spec.kind) or self._known.setdefault(
                spec.kind, self._adapter(spec.kind)
            )
            (result,) = adapter.ask(url, (spec,), about)
        except KeelwayError as error:
            return ProbeResult(spec.name, ok=False, latency_ms=0.0, detail=str(error))
        return result


def make_probe(config: Config, home: Home, vault: Vault) -> Probe:
    """Return who asks the health questions of a project."""
    ground = Ground(config.project, Places(home.root.resolve()), vault.reference, vault.redact)

    def adapter(kind: str) -> Probe:
        found = load("probe", kind, outside=config.repository)
        made: Probe = found(ground) if kind in KINDS else found()
        return made

    return EveryKind(adapter)


_check: type[Probe] = EveryKind
