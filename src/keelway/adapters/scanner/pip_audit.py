"""pip-audit: known vulnerabilities of the Python packages that a lock file newly pins; no answer is no pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of
from keelway.core.package.lock import logical_lines, read_lock, requirements_of
from keelway.core.scan.report import Hit, ScanReport
from keelway.ports.scanner import Copies, Scanner, Tool

_TOOL, _NAME = "pip_audit", "pip-audit"
_OPTIONS = (
    *("--no-deps", "--disable-pip", "--strict", "--format", "json", "--progress-spinner", "off"),
    *("--timeout", "8"),
)
_ENDS = frozenset({0, 1})
_TITLE_CHARS_MAX = 200

Pin = tuple[str, str]


class _NoAnswer(Exception):
    """End an audit that can say nothing, with the reason."""


@dataclass(frozen=True)
class PipAuditScanner:
    """Ask about the pins that the patch brings in, and where one is vulnerable also about the one before."""

    seconds_max: float = 120.0
    feed: str = ""
    """Address of an OSV service; empty asks PyPI."""

    def probe(self) -> Tool:
        """Find out whether it is installed."""
        found = version_of(_NAME, _NAME)
        return Tool(found, "" if found else "pip install 'keelway[scan]'")

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the pins of both commits."""
        tool = self.probe()
        if not find_program(_NAME):
            return ScanReport(_TOOL, absent=tool.install)
        examined: list[str] = []
        heads: list[Hit] = []
        bases: list[Hit] = []
        try:
            for path, name in copies.head.items():
                now = _pins(path, Path(copies.folder) / "head" / name)
                old = _pins(path, Path(copies.folder) / "base" / copies.base.get(path, "nothing"))
                _insist_on_pins(path, Path(copies.folder) / "head" / name)
                found = self._ask(copies.folder, path, now - old)
                suspects = {hit.text for hit in found}
                heads += found
                bases += self._ask(copies.folder, path, {pin for pin in old if pin[0] in suspects})
                examined.append(path)
        except _NoAnswer as silent:
            return ScanReport(_TOOL, tool.version, unreached=str(silent))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return ScanReport(_TOOL, tool.version, error=f"its answer cannot be read: {error!r}")
        return ScanReport(_TOOL, tool.version, tuple(examined), tuple(heads), tuple(bases))

    def _ask(self, folder: str, path: str, pins: set[Pin]) -> list[Hit]:
        if not pins:
            return []
        listed = Path(folder) / "pins.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins)))
        service = ("--vulnerability-service", "osv", "--osv-url", self.feed) if self.feed else ()
        done = run_program(
            *(_NAME, *_OPTIONS, *service, "--requirement", "pins.txt"),
            folder=folder,
            seconds_max=self.seconds_max,
            online=True,
        )
        fault = fault_of(done, _ENDS)
        if fault:
            raise _NoAnswer(fault)
        if not done.stdout.strip():
            raise _NoAnswer(" ".join(done.stderr.decode("utf-8", "replace").split())[-300:])
        plain = answer_of(done)
        audited = [each for each in plain["dependencies"] if "skip_reason" not in each]
        if len(audited) < len(pins):
            raise _NoAnswer(f"only {len(audited)} of {len(pins)} packages were audited.")
        return list(_hits(path, audited))


def _insist_on_pins(path: str, copy: Path) -> None:
    """Refuse to speak for entries that name no version.

    Raises:
        _NoAnswer: there are some.
    """
    if not path.endswith(".txt"):
        return
    text = copy.read_text("utf-8", "replace")
    asked = sum(not line.startswith("-") for line in logical_lines(text))
    pinned = sum(1 for _ in requirements_of(text))
    if pinned < asked:
        raise _NoAnswer(f"{path} pins {pinned} of {asked} entries.")


def _pins(path: str, copy: Path) -> set[Pin]:
    """Return the pinned packages of a copy that come from an index.

    Raises:
        ValueError: it cannot be read as what it is.
    """
    if not copy.is_file():
        return set()
    text = copy.read_text("utf-8", "replace")
    if path.endswith(".txt"):
        return {(each.name, each.version) for each in requirements_of(text)}
    found = read_lock(path, text)
    if found is None:
        raise ValueError(f"{path} is no lock file")
    return {(each.name, each.version) for each in found.values() if each.files and not each.address}


def _hits(path: str, audited: list[Any]) -> Iterator[Hit]:
    for each in audited:
        for flaw in each["vulns"]:
            mended = ", ".join(map(str, flaw.get("fix_versions", ()))) or "no version"
            said = f"{each['name']} {each['version']}, mended in {mended}"
            yield Hit(path, 0, str(flaw["id"]), said[:_TITLE_CHARS_MAX], text=str(each["name"]))


ADAPTER = PipAuditScanner
_check: type[Scanner] = PipAuditScanner
