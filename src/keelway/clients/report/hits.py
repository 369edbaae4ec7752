"""Read a report of executed lines by what it is: Cobertura XML, lcov, or a Go cover profile."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from keelway.clients.coverage_xml import BYTES_MAX, Hits, read_coverage
from keelway.core.errors import TheirFault

_LINE_MAX, _BLOCK_LINES_MAX = 10_000_000, 20_000
_BLOCK = re.compile(r"(?P<file>.+):(?P<first>\d{1,8})\.\d+,(?P<last>\d{1,8})\.\d+ \d+ (?P<count>\d+)")


def read_hits(
    data: bytes, paths: Collection[str], folder: str = "", modules: dict[str, str] | None = None
) -> Hits:
    """Return how often the lines of ``paths`` ran.

    Args:
        data: the report, at most ``BYTES_MAX`` bytes.
        paths: files of the checkout, relative to it.
        folder: where the checkout was.
        modules: folders of Go modules by the name of the module.

    Raises:
        TheirFault: it is none of these reports, or too large.
    """
    if len(data) > BYTES_MAX:
        raise TheirFault("coverage_too_large", f"The coverage report is larger than {BYTES_MAX} bytes.")
    if data.startswith(b"mode:"):
        return _profile(data.decode("utf-8", "replace"), set(paths), modules or {})
    if re.match(rb"(?:TN|SF):", data.lstrip()):
        return _lcov(data.decode("utf-8", "replace"), set(paths), folder)
    return read_coverage(data, paths, folder)


def _lcov(text: str, paths: set[str], folder: str) -> Hits:
    hits: Hits = {}
    lines: dict[int, int] = {}
    for record in text.splitlines():
        key, _, value = record.partition(":")
        if key == "SF":
            path = value.removeprefix(f"{folder}/") if folder else value
            lines = hits.setdefault(path, {}) if path in paths else {}
        elif key == "DA":
            number, _, rest = value.partition(",")
            count = rest.split(",")[0]
            if number.isdecimal() and count.isdecimal() and 0 < int(number) <= _LINE_MAX:
                lines[int(number)] = max(lines.get(int(number), 0), int(count))
    return hits


def _profile(text: str, paths: set[str], modules: dict[str, str]) -> Hits:
    """Read blocks of statements; a line counts as run when any block on it ran."""
    hits: Hits = {}
    for record in text.splitlines()[1:]:
        block = _BLOCK.fullmatch(record)
        path = next((name for name in _places(block["file"], modules) if name in paths), "") if block else ""
        if not block or not path:
            continue
        first, last = int(block["first"]), int(block["last"])
        lines = hits.setdefault(path, {})
        for number in range(first, min(last, first + _BLOCK_LINES_MAX) + 1):
            lines[number] = max(lines.get(number, 0), min(int(block["count"]), 1))
    return hits


def _places(name: str, modules: dict[str, str]) -> Iterator[str]:
    """Say which path a file of a package is, by the longest module name first."""
    for module in sorted(modules, key=len, reverse=True):
        if name.startswith(f"{module}/"):
            home = modules[module]
            rest = name.removeprefix(f"{module}/")
            yield rest if home == "." else f"{home}/{rest}"
