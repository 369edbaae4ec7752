"""semgrep with rules of the operator's own: never the registry's, and comments that switch a rule off are not heeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of
from keelway.core.scan.report import Hit, ScanReport, lines_mark
from keelway.ports.scanner import Copies, Scanner, Tool

_NAME, _INSTALL = "semgrep", "pipx install semgrep"
_OPTIONS = (
    *("scan", "--json", "--quiet", "--metrics=off", "--disable-version-check", "--disable-nosem"),
    *("--no-git-ignore", "--scan-unknown-extensions", "--jobs", "1"),
)
_ENDS = frozenset({0, 1})


@dataclass(frozen=True)
class SemgrepScanner:
    """Run semgrep once over the copies of both commits."""

    rules: str
    """Absolute path of a file or a folder of rules."""
    seconds_max: float = 120.0

    def probe(self) -> Tool:
        """Find out whether it is installed and has rules."""
        found = version_of(_NAME, _NAME)
        return Tool(found, "" if found else _INSTALL)

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the copies of both commits."""
        if not find_program(_NAME):
            return ScanReport(_NAME, absent=_INSTALL)
        if not self.rules.startswith("/") or not Path(self.rules).exists():
            why = (
                f"policy.scan.rules names no rules: {self.rules!r} has to be an absolute path that is there."
            )
            return ScanReport(_NAME, error=why)
        places = {f"head/{name}": ("head", path) for path, name in copies.head.items()}
        places |= {f"base/{name}": ("base", path) for path, name in copies.base.items()}
        done = run_program(
            *(_NAME, *_OPTIONS, "--config", self.rules, *places),
            folder=copies.folder,
            seconds_max=self.seconds_max,
            SEMGREP_SEND_METRICS="off",
            SEMGREP_ENABLE_VERSION_CHECK="0",
        )
        fault = fault_of(done, _ENDS)
        if fault:
            return ScanReport(_NAME, error=fault)
        try:
            plain = answer_of(done)
            hits = list(_hits(plain["results"], places, Path(copies.folder)))
            broken = {str(each.get("path", "")) for each in plain["errors"]}
            read = {str(each) for each in plain["paths"]["scanned"]} - broken
            version = str(plain["version"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return ScanReport(_NAME, error=f"its answer cannot be read: {error!r}")
        examined = tuple(path for place, (side, path) in places.items() if side == "head" and place in read)
        heads, bases = (tuple(hit for where, hit in hits if where == side) for side in ("head", "base"))
        return ScanReport(_NAME, version, examined, heads, bases)


def _hits(results: Any, places: dict[str, tuple[str, str]], folder: Path) -> Iterator[tuple[str, Hit]]:
    for each in results:
        side, path = places[each["path"]]
        begin, end = int(each["start"]["line"]), int(each["end"]["line"])
        mark = lines_mark((folder / each["path"]).read_text("utf-8", "replace"), begin, end)
        rule = str(each["check_id"]).rpartition(".")[2]
        yield side, Hit(path, begin, rule, str(each["extra"]["message"]), end, mark)


ADAPTER = SemgrepScanner
_check: type[Scanner] = SemgrepScanner
