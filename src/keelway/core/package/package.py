"""Packages of an index: how a plan names one, and what an index says about it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Ecosystem(StrEnum):
    """Name the package worlds whose indexes can be asked."""

    PYPI = "pypi"
    NPM = "npm"
    PACKAGIST = "packagist"


class State(StrEnum):
    """Say what an index knows; ``unknown`` is not ``absent``."""

    FOUND = "found"
    ABSENT = "absent"
    UNKNOWN = "unknown"


MANIFESTS: dict[str, Ecosystem] = {
    "pyproject.toml": Ecosystem.PYPI,
    "requirements.txt": Ecosystem.PYPI,
    "requirements.in": Ecosystem.PYPI,
    "setup.cfg": Ecosystem.PYPI,
    "setup.py": Ecosystem.PYPI,
    "Pipfile": Ecosystem.PYPI,
    "package.json": Ecosystem.NPM,
    "composer.json": Ecosystem.PACKAGIST,
}
"""Files that declare dependencies, by their names."""

_NAME = {
    Ecosystem.PYPI: re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"),
    Ecosystem.NPM: re.compile(
        r"(?:@[a-z0-9~-][a-z0-9._~-]{0,98}/)?[a-z0-9~-][a-z0-9._~-]{0,98}", re.IGNORECASE
    ),
    Ecosystem.PACKAGIST: re.compile(r"[a-z0-9][a-z0-9_.-]{0,98}/[a-z0-9][a-z0-9_.-]{0,98}", re.IGNORECASE),
}
_EXTRAS = re.compile(r"\[[A-Za-z0-9._, -]{0,200}\]$")
_EXACT = re.compile(r"(?:==|=|@|:)?\s*v?(\d+(?:\.[0-9A-Za-z]+)*(?:[-+][0-9A-Za-z.-]+)?)")
_RANGE = re.compile(r"[0-9A-Za-z.*+<>=!~^|, -]{0,100}")


@dataclass(frozen=True, order=True)
class Package:
    """Name a package, and one version of it when it is asked for exactly."""

    ecosystem: Ecosystem
    name: str
    version: str = ""


@dataclass(frozen=True)
class PackageFacts:
    """Say what an index answered about a package; what it did not say stays empty."""

    package: Package
    state: State
    looked_at: datetime
    why: str = ""
    """Why nothing is known."""
    latest: str = ""
    """The newest version that is meant for use: no pre-release, not withdrawn."""
    version_known: bool = True
    """Whether the version that was asked for exactly is there."""
    latest_at: datetime | None = None
    first_at: datetime | None = None
    """When its first version appeared."""
    licence: str = ""
    """As an SPDX expression where it can be read as one."""
    supports: str = ""
    """The range of Python, Node or PHP that the version asks for."""
    withdrawn: str = ""
    """Why the version is yanked, deprecated or abandoned."""
    releases: int = 0


def package_of(said: str, ecosystems: Collection[Ecosystem]) -> Package | None:
    """Read a dependency as a plan names it; ``None`` when it is no plain name of an index.

    ``name``, ``name==1.2``, ``name@1.2``, ``name>=1,<2``, ``npm:name``; no address, no path, no option.

    Args:
        said: by the planner.
        ecosystems: those of the application; without a prefix the name belongs to the one of them
            in which such a name is possible.
    """
    text = said.strip()
    prefix, colon, rest = text.partition(":")
    if colon and prefix.lower() in set(Ecosystem):
        return _parse(rest.strip(), Ecosystem(prefix.lower()))
    possible = [found for each in sorted(set(ecosystems)) if (found := _parse(text, each)) is not None]
    scoped = "/" in text
    fitting = [found for found in possible if ("/" in found.name) == scoped]
    return fitting[0] if len({found.ecosystem for found in fitting}) == 1 else None


def _parse(text: str, ecosystem: Ecosystem) -> Package | None:
    match = _NAME[ecosystem].match(text)
    if match is None:
        return None
    rest = text[match.end() :].strip()
    if ecosystem is Ecosystem.PYPI and rest.startswith("["):
        closing = rest.find("]") + 1
        if not closing or not _EXTRAS.fullmatch(rest[:closing]):
            return None
        rest = rest[closing:].strip()
    if not rest:
        return Package(ecosystem, match[0])
    exact = _EXACT.fullmatch(rest)
    if exact:
        return Package(ecosystem, match[0], exact[1])
    asks = rest.lstrip("@: ")
    return Package(ecosystem, match[0]) if _RANGE.fullmatch(asks) and asks[:1] in "<>=!~^*" else None


def ecosystems_of(paths: Collection[str]) -> tuple[Ecosystem, ...]:
    """Return the package worlds of an application by its files."""
    names = {path.rpartition("/")[2] for path in paths}
    return tuple(sorted({world for name, world in MANIFESTS.items() if name in names}))
