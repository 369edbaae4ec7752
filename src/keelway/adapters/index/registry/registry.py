"""Ask the index of each package world, one package after the other, within one bound of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from keelway.adapters.index.registry import npm, packagist, pypi
from keelway.adapters.index.registry.ask import Asker, Unknown
from keelway.core.package.package import Ecosystem, Package, PackageFacts, State
from keelway.ports.index import PackageIndex

PACKAGES_MAX = 20
"""More packages than this are not looked up in one go."""

_LOOK: Mapping[Ecosystem, Callable[[Asker, str, Package, datetime], PackageFacts]] = {
    Ecosystem.PYPI: pypi.look,
    Ecosystem.NPM: npm.look,
    Ecosystem.PACKAGIST: packagist.look,
}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class RegistryIndex:
    """Look packages up at the public indexes or at the mirrors that ``addresses`` names."""

    addresses: Mapping[str, str]
    """Base address by package world; empty for none."""
    seconds_max: float = 20.0
    """How long all look-ups of one question may take together."""
    clock: Callable[[], datetime] = _now

    def look(self, packages: tuple[Package, ...]) -> tuple[PackageFacts, ...]:
        """Return one answer for each package, in order; what an index does not say is unknown."""
        ask = Asker(self.seconds_max)
        return tuple(self._look(ask, number, package) for number, package in enumerate(packages))

    def _look(self, ask: Asker, number: int, package: Package) -> PackageFacts:
        now, base = self.clock(), self.addresses.get(package.ecosystem, "")
        if number >= PACKAGES_MAX:
            return PackageFacts(
                package, State.UNKNOWN, now, f"only {PACKAGES_MAX} packages are looked up at once."
            )
        if not base:
            return PackageFacts(
                package, State.UNKNOWN, now, f"no address for {package.ecosystem.value} is set in [index]."
            )
        try:
            return _LOOK[package.ecosystem](ask, base, package, now)
        except Unknown as unknown:
            return PackageFacts(package, State.UNKNOWN, now, str(unknown))


_check: type[PackageIndex] = RegistryIndex
