"""Scanners in memory: what a test says they find, and a scanner that finds one word."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from keelway.core.scan.concern import concerns
from keelway.core.scan.report import Hit, ScanReport
from keelway.ports.scanner import Copies, ScanJob, Scanner, Scanners, Tool


@dataclass
class FakeScanners:
    """Find nothing, or what ``reports`` say by tool; keep what was ``asked``."""

    reports: dict[str, ScanReport] = field(default_factory=dict)
    asked: list[ScanJob] = field(default_factory=list)

    def examine(self, job: ScanJob) -> tuple[ScanReport, ...]:
        """Return one report for each tool that a changed file concerns."""
        self.asked.append(job)
        found = []
        for tool in job.tools:
            examined = tuple(path for path in job.paths if concerns(tool, path))
            if examined:
                found.append(self.reports.get(tool, ScanReport(tool, "0", examined)))
        return tuple(found)


@dataclass(frozen=True)
class FakeScanner:
    """Find a word."""

    word: str = "flaw"

    def probe(self) -> Tool:
        """Say that it is there."""
        return Tool("1.0")

    def scan(self, copies: Copies) -> ScanReport:
        """Return the lines that hold the word."""
        sides = (("head", copies.head), ("base", copies.base))
        heads, bases = (
            tuple(
                Hit(path, number, "word", "the word is there", text=" ".join(line.split()))
                for path, name in names.items()
                for number, line in enumerate((Path(copies.folder) / side / name).read_text().split("\n"), 1)
                if self.word in line
            )
            for side, names in sides
        )
        return ScanReport("fake", "1.0", tuple(copies.head), heads, bases)


_check: type[Scanner] = FakeScanner
_all: type[Scanners] = FakeScanners
