"""zizmor: unsafe workflows of GitHub Actions, without any network; comments that switch it off are not heeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of
from keelway.core.scan.report import Hit, ScanReport
from keelway.ports.scanner import Copies, Scanner, Tool

_NAME = "zizmor"
_OPTIONS = (
    "--offline",
    "--no-config",
    "--format",
    "json",
    "--no-progress",
    "--persona",
    "pedantic",
    "--no-exit-codes",
    "--no-ignores",
    "--strict-collection",
)
_ENDS = frozenset({0})
_NOTHING = 3
_GRAVE = frozenset({"Medium", "High"})
"""From here on counts also what zizmor tells only those who want to know all of it, such as rights to everything."""


@dataclass(frozen=True)
class ZizmorScanner:
    """Run zizmor once over the workflows of both commits."""

    seconds_max: float = 120.0

    def probe(self) -> Tool:
        """Find out whether it is installed."""
        found = version_of(_NAME, _NAME)
        return Tool(found, "" if found else "pip install 'keelway[scan]'")

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the workflows of both commits."""
        tool = self.probe()
        if not find_program(_NAME):
            return ScanReport(_NAME, absent=tool.install)
        places = {
            place: (side, path)
            for side, names in (("head", copies.head), ("base", copies.base))
            for path, name in names.items()
            for place in (_lay(Path(copies.folder), side, path, name),)
        }
        done = run_program(_NAME, *_OPTIONS, *places, folder=copies.folder, seconds_max=self.seconds_max)
        if done.exit_code == _NOTHING:
            return ScanReport(_NAME, tool.version)
        fault = fault_of(done, _ENDS)
        if fault:
            return ScanReport(_NAME, tool.version, error=fault)
        try:
            hits = list(_hits(answer_of(done), places))
        except (ValueError, KeyError, TypeError) as error:
            return ScanReport(_NAME, tool.version, error=f"its answer cannot be read: {error!r}")
        heads, bases = (tuple(hit for where, hit in hits if where == side) for side in ("head", "base"))
        return ScanReport(_NAME, tool.version, tuple(copies.head), heads, bases)


def _lay(folder: Path, side: str, path: str, name: str) -> str:
    """Write a copy where zizmor takes it for what it is."""
    action = path.rpartition("/")[2].startswith("action.")
    place = f"workflows/{side}/{Path(name).stem}/" + (
        "action.yml" if action else ".github/workflows/flow.yml"
    )
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text((folder / side / name).read_text("utf-8", "replace"), "utf-8")
    return place


def _hits(findings: Any, places: dict[str, tuple[str, str]]) -> Iterator[tuple[str, Hit]]:
    for each in findings:
        weight = each["determinations"]
        if weight["persona"] != "Regular" and weight["severity"] not in _GRAVE:
            continue
        spots = [spot for spot in each["locations"] if spot["symbolic"].get("kind", "Primary") == "Primary"]
        spot = (spots or each["locations"])[0]
        given = spot["symbolic"]["key"]["Local"]["verbatim_path"]
        side, path = places[given]
        begin, end = (int(spot["concrete"]["location"][at]["row"]) + 1 for at in ("start_point", "end_point"))
        mark = " ".join(str(spot["concrete"].get("feature", "")).split())[:80]
        yield side, Hit(path, begin, str(each["ident"]), str(each["desc"]), end, mark)


ADAPTER = ZizmorScanner
_check: type[Scanner] = ZizmorScanner
