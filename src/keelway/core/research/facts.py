"""What research found, as one bounded value."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.package.manifest import Declared
from keelway.core.package.package import PackageFacts

NAMES_MAX = 40
MEMBERS_MAX = 12


@dataclass(frozen=True)
class Name:
    """Name one public thing of a module."""

    kind: str
    """``function``, ``class``, ``contract``, ``route``, ``registry`` or ``value``."""
    name: str
    line: int
    detail: str = ""
    """Arguments of a function, method and path of a route."""
    bases: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    """Public methods of a class, entries of a registry."""


@dataclass(frozen=True)
class Outline:
    """Say what one file offers to others."""

    path: str
    language: str
    doc: str = ""
    """The first sentence that the file says about itself."""
    names: tuple[Name, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    """Pairs of (class, contract) that the file declares to fit."""
    documented: int = 0
    """Public functions and methods with a docstring."""
    annotated: int = 0
    """Those with a type for everything that goes in and out."""
    functions: int = 0
    longest: int = 0
    """Length of the longest line."""


@dataclass(frozen=True)
class Contract:
    """Name one place that was made to be extended."""

    name: str
    kind: str
    """``protocol``, ``abstract class``, ``interface``, ``registry``, ``router`` or ``entry points``."""
    path: str
    members: tuple[str, ...] = ()
    filled_by: tuple[str, ...] = ()
    """``path: Class`` of what fills it already."""


@dataclass(frozen=True)
class Convention:
    """Quote what people wrote down about how work is done here."""

    path: str
    text: str


@dataclass(frozen=True)
class Facts:
    """Hold everything that is known before a plan is written; made without a model."""

    languages: tuple[tuple[str, int], ...] = ()
    """Language and number of files, most first."""
    folders: tuple[tuple[str, int], ...] = ()
    """Top folders, one more level where there are many files, and how many files lie below."""
    modules: tuple[Outline, ...] = ()
    """The files that matter most for the request, best first."""
    contracts: tuple[Contract, ...] = ()
    named: tuple[str, ...] = ()
    """Files that the request names."""
    siblings: tuple[str, ...] = ()
    """Files beside those."""
    conventions: tuple[Convention, ...] = ()
    tests: tuple[str, ...] = ()
    """How tests are laid out and run."""
    style: tuple[str, ...] = ()
    """What the present code has in common."""
    runtimes: tuple[str, ...] = ()
    declared: tuple[Declared, ...] = ()
    packages: tuple[PackageFacts, ...] = ()
    """What indexes say about the packages that the request names."""
    files: int = 0
    read: int = 0
    """How many of the files were read."""
