"""Bandit: unsafe calls in Python, from middle severity on; comments that switch it off are not heeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of
from keelway.core.scan.report import Hit, ScanReport, lines_mark
from keelway.ports.scanner import Copies, Scanner, Tool

_NAME = "bandit"
_OPTIONS = ("--format", "json", "--quiet", "--ignore-nosec", "--severity-level", "medium")
_ENDS = frozenset({0, 1})


@dataclass(frozen=True)
class BanditScanner:
    """Run bandit once over the copies of both commits."""

    seconds_max: float = 120.0

    def probe(self) -> Tool:
        """Find out whether it is installed."""
        found = version_of(_NAME, _NAME)
        return Tool(found, "" if found else "pip install 'keelway[scan]'")

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the copies of both commits."""
        tool = self.probe()
        if not find_program(_NAME):
            return ScanReport(_NAME, absent=tool.install)
        places = {f"head/{name}": path for path, name in copies.head.items()}
        places |= {f"base/{name}": path for path, name in copies.base.items()}
        done = run_program(_NAME, *_OPTIONS, *places, folder=copies.folder, seconds_max=self.seconds_max)
        fault = fault_of(done, _ENDS)
        if fault:
            return ScanReport(_NAME, tool.version, error=fault)
        try:
            return self._report(tool.version, answer_of(done), places, Path(copies.folder))
        except (ValueError, KeyError, TypeError) as error:
            return ScanReport(_NAME, tool.version, error=f"its answer cannot be read: {error!r}")

    def _report(self, version: str, plain: Any, places: dict[str, str], folder: Path) -> ScanReport:
        broken = {_plain(each["filename"]) for each in plain["errors"]}
        read = {_plain(name) for name in plain["metrics"]} - broken
        examined = tuple(
            path for place, path in places.items() if place in read and place.startswith("head/")
        )
        hits = {
            side: tuple(
                hit for place, hit in _hits(plain["results"], places, folder) if place.startswith(side)
            )
            for side in ("head/", "base/")
        }
        return ScanReport(_NAME, version, examined, hits["head/"], hits["base/"])


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _hits(results: Any, places: dict[str, str], folder: Path) -> Iterator[tuple[str, Hit]]:
    for each in results:
        place = _plain(each["filename"])
        first, last = int(each["line_number"]), max([int(each["line_number"]), *map(int, each["line_range"])])
        mark = lines_mark((folder / place).read_text("utf-8", "replace"), first, last)
        rule = f"{each['test_id']} {each['test_name']}"
        yield place, Hit(places[place], first, rule, str(each["issue_text"]), last, mark)


ADAPTER = BanditScanner
_check: type[Scanner] = BanditScanner
