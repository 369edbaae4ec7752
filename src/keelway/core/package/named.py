"""The packages that a request names: those after a word that announces one, and those that are there already."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from keelway.core.package.package import Ecosystem, Package, package_of

NAMED_MAX = 8
_NAME = r"@?[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?"
_INSTALL = re.compile(
    rf"\b(?P<tool>pip|uv|poetry|pipx|npm|yarn|pnpm|composer)3?\s+(?:pip\s+)?(?:install|add|require|i)\s+(?P<name>{_NAME}(?:[=@:]=?[\w.]+)?)"
)
_ANNOUNCED = re.compile(
    rf"\b(?:packages?|librar(?:y|ies)|dependenc(?:y|ies)|upgrade|bump|downgrade|pin)\s+(?:called\s+|named\s+|to\s+|the\s+)?"
    rf"[`'\"]?(?P<name>{_NAME}(?:==[\w.]+)?)[`'\"]?",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    rf"\b(?:use|using|with|via|through|on|of|and|or|than|replace|add|remove)\s+[`](?P<name>{_NAME})[`]",
    re.IGNORECASE,
)
_PINNED = re.compile(rf"(?<![\w/@])(?P<name>{_NAME}==[\w.]+)")
_SCOPED = re.compile(r"(?<![\w/])(?P<name>@[a-z0-9][\w.-]*/[\w.-]+)")
_TOOLS = {
    **dict.fromkeys(("pip", "uv", "poetry", "pipx"), Ecosystem.PYPI),
    **dict.fromkeys(("npm", "yarn", "pnpm"), Ecosystem.NPM),
    "composer": Ecosystem.PACKAGIST,
}
_NO_NAMES = frozenset(
    {
        "the",
        "a",
        "an",
        "our",
        "all",
        "every",
        "any",
        "some",
        "that",
        "this",
        "it",
        "them",
        "for",
        "and",
        "or",
        "to",
        "is",
        "of",
    }
)


def packages_named(
    text: str, ecosystems: Collection[Ecosystem], declared: Iterable[str] = ()
) -> tuple[Package, ...]:
    """Return the packages that a text names, each once and at most ``NAMED_MAX``.

    Args:
        text: the request.
        ecosystems: of the application.
        declared: names that it depends on already.
    """
    found = dict.fromkeys(package for package in _packages(text, ecosystems, declared) if package)
    known = {(package.ecosystem, package.name) for package in found if package.version}
    bare = [each for each in found if each.version or (each.ecosystem, each.name) not in known]
    return tuple(bare)[:NAMED_MAX]


def _packages(
    text: str, ecosystems: Collection[Ecosystem], declared: Iterable[str]
) -> Iterator[Package | None]:
    for match in _INSTALL.finditer(text):
        yield package_of(_clean(match["name"]), (_TOOLS[match["tool"]],))
    for pattern in (_ANNOUNCED, _QUOTED, _PINNED, _SCOPED):
        for match in pattern.finditer(text):
            name = _clean(match["name"])
            if name.casefold() not in _NO_NAMES and not _is_file(name):
                yield package_of(name, ecosystems)
    words = {word.casefold() for word in re.findall(_NAME, text)}
    for name in declared:
        if name.casefold() in words:
            yield package_of(name, ecosystems)


def _clean(name: str) -> str:
    return name.rstrip(".-_,;:")


def _is_file(name: str) -> bool:
    return bool(re.search(r"\.(?:py|js|ts|tsx|jsx|go|php|json|toml|md|html|css|txt|ya?ml|sql)$", name))
