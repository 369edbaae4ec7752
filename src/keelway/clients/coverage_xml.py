"""Read coverage reports in Cobertura XML, which coverage tools of most languages can write."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from keelway.core.errors import TheirFault

__all__ = ["BYTES_MAX", "Hits", "read_coverage"]

BYTES_MAX = 32 * 1024 * 1024
_LINE_MAX = 10_000_000
_SOURCES_MAX = 200
_PLACES_MAX = 400_000
"""Classes times sources: each is a path that has to be looked at."""

Hits = dict[str, dict[int, int]]
"""How often each line ran, by path relative to the checkout."""


def read_coverage(data: bytes, paths: Collection[str], folder: str = "") -> Hits:
    """Return how often the lines of ``paths`` ran.

    A file name that several ``<source>`` entries could complete to different files of the checkout
    is left out: what cannot be told apart was not measured.

    Args:
        data: the report, at most ``BYTES_MAX`` bytes.
        paths: files of the checkout, relative to it.
        folder: where the checkout was.

    Raises:
        TheirFault: it is not such a report (``coverage_unreadable``) or too large
            (``coverage_too_large``).
    """
    if len(data) > BYTES_MAX:
        raise TheirFault("coverage_too_large", f"The coverage report is larger than {BYTES_MAX} bytes.")
    try:
        root = fromstring(data)
        if root.tag != "coverage":
            raise ValueError(f"it begins with <{root.tag[:40]}>")  # noqa: TRY301
        sources = [source.text or "" for source in root.iter("source")][:_SOURCES_MAX]
        if sum(1 for _ in root.iter("class")) * (1 + len(sources)) > _PLACES_MAX:
            raise TheirFault(
                "coverage_too_large", f"The coverage report could mean more than {_PLACES_MAX} paths."
            )
        return _hits(root, sources, set(paths), folder)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        message = f"The coverage report is not Cobertura XML: {error}."
        raise TheirFault("coverage_unreadable", message) from error


def _hits(root: Element, sources: list[str], paths: Collection[str], folder: str) -> Hits:
    hits: Hits = {}
    for item in root.iter("class"):
        found = set(_places(item.get("filename", ""), sources, folder)) & set(paths)
        if len(found) != 1:
            continue
        lines = hits.setdefault(found.pop(), {})
        for line in item.iter("line"):
            number = int(line.get("number", "0"))
            if 0 < number <= _LINE_MAX:
                lines[number] = max(lines.get(number, 0), int(line.get("hits", "0")))
    return hits


def _places(name: str, sources: list[str], folder: str) -> Iterator[str]:
    """Say which paths of the checkout a file name can stand for."""
    top = folder or "/"
    for source in ["", *sources]:
        place = posixpath.normpath(posixpath.join(top, source, name))
        if place.startswith(f"{top.rstrip('/')}/"):
            yield posixpath.relpath(place, top)
