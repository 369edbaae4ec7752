"""An index in memory: what a test publishes, and silence when it says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keelway.core.package.package import Ecosystem, Package, PackageFacts, State
from keelway.ports.index import PackageIndex
from keelway.testing.clock import VirtualClock


@dataclass(frozen=True)
class Release:
    """Describe one version of a package."""

    version: str
    at: datetime
    licence: str = "MIT"
    supports: str = ""
    withdrawn: str = ""


@dataclass
class FakeIndex:
    """Answer from ``shelf``: releases by package world and name, oldest first; keep what was ``asked``."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    shelf: dict[tuple[Ecosystem, str], tuple[Release, ...]] = field(default_factory=dict)
    silent: bool = False
    asked: list[Package] = field(default_factory=list)

    def publish(self, ecosystem: Ecosystem, name: str, *releases: Release) -> None:
        """Put a package on the shelf."""
        self.shelf[(ecosystem, name)] = releases

    def look(self, packages: tuple[Package, ...]) -> tuple[PackageFacts, ...]:
        """Return one answer for each package, in order."""
        self.asked += packages
        return tuple(map(self._look, packages))

    def _look(self, package: Package) -> PackageFacts:
        now = self.clock.now()
        if self.silent:
            return PackageFacts(package, State.UNKNOWN, now, "the index did not answer.")
        releases = self.shelf.get((package.ecosystem, package.name))
        if not releases:
            return PackageFacts(package, State.ABSENT, now)
        newest = next((each for each in reversed(releases) if not each.withdrawn), releases[-1])
        chosen: Release | None = newest
        if package.version:
            chosen = next((each for each in releases if each.version == package.version), None)
        return PackageFacts(
            package,
            State.FOUND,
            now,
            latest=newest.version,
            version_known=chosen is not None,
            latest_at=newest.at,
            first_at=releases[0].at,
            licence=chosen.licence if chosen else "",
            supports=chosen.supports if chosen else "",
            withdrawn=chosen.withdrawn if chosen else "",
            releases=len(releases),
        )


_check: type[PackageIndex] = FakeIndex
