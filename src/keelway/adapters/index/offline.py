"""No index at all: every package is unknown, and a person is asked about each new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from keelway.core.package.package import Package, PackageFacts, State
from keelway.ports.index import PackageIndex


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class OfflineIndex:
    """Know nothing, for machines that may not reach an index."""

    clock: Callable[[], datetime] = _now

    def look(self, packages: tuple[Package, ...]) -> tuple[PackageFacts, ...]:
        """Say of each package that nothing is known."""
        why = "no package index is configured (index.use is offline)."
        return tuple(PackageFacts(package, State.UNKNOWN, self.clock(), why) for package in packages)


ADAPTER = OfflineIndex
_check: type[PackageIndex] = OfflineIndex
