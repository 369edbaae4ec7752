"""Choose the package indexes: what the configuration names, else what pip and npm use here, else the public ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keelway.app.registry import load
from keelway.app.sections import IndexSection
from keelway.core.package.package import Ecosystem
from keelway.ports.index import PackageIndex

PUBLIC: Mapping[Ecosystem, str] = {
    Ecosystem.PYPI: "https://pypi.org/simple",
    Ecosystem.NPM: "https://registry.npmjs.org",
    Ecosystem.PACKAGIST: "https://repo.packagist.org",
}
HERE: Mapping[Ecosystem, tuple[str, ...]] = {
    Ecosystem.PYPI: ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"),
    Ecosystem.NPM: ("NPM_CONFIG_REGISTRY", "npm_config_registry"),
    Ecosystem.PACKAGIST: (),
}
"""Variables in which the installers of a machine find their index, the first one that is set."""


def addresses(section: IndexSection, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the base address of the index of each package world."""
    named = {
        Ecosystem.PYPI: section.pypi,
        Ecosystem.NPM: section.npm,
        Ecosystem.PACKAGIST: section.packagist,
    }
    found = {}
    for world in Ecosystem:
        here = next((variables[name] for name in HERE[world] if variables.get(name)), "")
        found[world.value] = next(
            (each for each in (named[world], here) if each.startswith(("http://", "https://"))),
            PUBLIC[world],
        )
    return found


def make_index(section: IndexSection, variables: Mapping[str, str], outside: Path) -> PackageIndex:
    """Return the configured index.

    Raises:
        YourFault: there is no such adapter, or its file lies inside ``outside``.
    """
    kind = load("index", section.use, outside=outside)
    if section.use != "registry":
        other: PackageIndex = kind()
        return other
    index: PackageIndex = kind(addresses(section, variables), section.seconds_max)
    return index
