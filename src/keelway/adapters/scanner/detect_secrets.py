"""detect-secrets: credentials by their shapes and by entropy; comments that allow one are not heeded."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of
from keelway.core.scan.report import Hit, ScanReport
from keelway.ports.scanner import Copies, Scanner, Tool

_TOOL, _NAME = "detect_secrets", "detect-secrets"
_OPTIONS = (
    *("scan", "--all-files", "--no-verify", "--disable-filter"),
    "detect_secrets.filters.allowlist.is_line_allowlisted",
)
_UNSURE = frozenset({"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword"})
_ENDS = frozenset({0})
_PLANTED = "planted/planted.txt"


@dataclass(frozen=True)
class DetectSecretsScanner:
    """Run detect-secrets once over the copies of both commits, and over a planted secret that it has to find."""

    seconds_max: float = 120.0

    def probe(self) -> Tool:
        """Find out whether it is installed."""
        found = version_of(_NAME, _NAME)
        return Tool(found, "" if found else "pip install 'keelway[scan]'")

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the copies of both commits."""
        tool = self.probe()
        if not find_program(_NAME):
            return ScanReport(_TOOL, absent=tool.install)
        folder = Path(copies.folder)
        planted = folder / _PLANTED
        planted.parent.mkdir(exist_ok=True)
        planted.write_text(f"key = AKIA{uuid.uuid4().hex[:16].upper()}\n")
        done = run_program(
            _NAME, *_OPTIONS, "head", "base", "planted", folder=copies.folder, seconds_max=self.seconds_max
        )
        fault = fault_of(done, _ENDS)
        if fault:
            return ScanReport(_TOOL, tool.version, error=fault)
        try:
            found = dict(_hits(answer_of(done)["results"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return ScanReport(_TOOL, tool.version, error=f"its answer cannot be read: {error!r}")
        if not found.get(_PLANTED):
            return ScanReport(
                _TOOL, tool.version, error="it did not find the secret that was planted for it."
            )
        return ScanReport(
            _TOOL,
            tool.version,
            tuple(path for path, name in copies.head.items() if (folder / "head" / name).is_file()),
            tuple(_named(found, "head", copies.head)),
            tuple(_named(found, "base", copies.base)),
        )


def _hits(results: Any) -> Iterator[tuple[str, tuple[Hit, ...]]]:
    for place, each in results.items():
        yield (
            place,
            tuple(
                Hit(
                    place,
                    int(one["line_number"]),
                    str(one["type"]),
                    "a value that looks like one",
                    text=str(one["hashed_secret"])[:16],
                    sure=one["type"] not in _UNSURE,
                )
                for one in each
            ),
        )


def _named(found: dict[str, tuple[Hit, ...]], side: str, names: dict[str, str]) -> Iterator[Hit]:
    """Yield the hits of one commit under the paths of the commit."""
    for path, name in names.items():
        for hit in found.get(f"{side}/{name}", ()):
            yield Hit(path, hit.line, hit.rule, hit.message, text=hit.text, sure=hit.sure)


ADAPTER = DetectSecretsScanner
_check: type[Scanner] = DetectSecretsScanner
