"""Where packages are looked up: what exists, since when, under which licence, for which versions."""

from __future__ import annotations

from typing import Protocol

from keelway.core.package.package import Package, PackageFacts


class PackageIndex(Protocol):
    """Answer from the index of each package world; an index that does not answer is ``unknown``.

    Nothing is installed, and no code of a package is run. Asking changes nothing.
    """

    def look(self, packages: tuple[Package, ...]) -> tuple[PackageFacts, ...]:
        """Return one answer for each package, in order; bounded in time, and never raised for an index."""
        ...
