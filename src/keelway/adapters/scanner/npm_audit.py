"""npm audit: known vulnerabilities of the packages of a lock file, by the registry; no answer is no pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of
from keelway.core.package.lock import read_lock
from keelway.core.scan.report import Hit, ScanReport
from keelway.ports.scanner import Copies, Scanner, Tool

_TOOL, _NAME = "npm_audit", "npm"
_OPTIONS = ("audit", "--json", "--package-lock-only", "--ignore-scripts", "--no-fund", "--fetch-retries=0")
_ENDS = frozenset({0, 1})


class _NoAnswer(Exception):
    """End an audit that can say nothing, with the reason."""


@dataclass(frozen=True)
class NpmAuditScanner:
    """Ask about a lock file, and where something is vulnerable also about the one before."""

    seconds_max: float = 120.0
    feed: str = ""
    """Address of a registry; empty asks the one that npm uses here."""

    def probe(self) -> Tool:
        """Find out whether it is installed."""
        found = version_of(_NAME)
        return Tool(found, "" if found else "install Node.js, which brings npm")

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the lock files of both commits."""
        tool = self.probe()
        if not find_program(_NAME):
            return ScanReport(_TOOL, absent=tool.install)
        examined: list[str] = []
        heads: list[Hit] = []
        bases: list[Hit] = []
        try:
            for path, name in copies.head.items():
                found = self._ask(copies.folder, path, f"head/{name}")
                if found and path in copies.base:
                    bases += self._ask(copies.folder, path, f"base/{copies.base[path]}")
                heads += found
                examined.append(path)
        except _NoAnswer as silent:
            return ScanReport(_TOOL, tool.version, unreached=str(silent))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return ScanReport(_TOOL, tool.version, error=f"its answer cannot be read: {error!r}")
        return ScanReport(_TOOL, tool.version, tuple(examined), tuple(heads), tuple(bases))

    def _ask(self, folder: str, path: str, copy: str) -> list[Hit]:
        text = (Path(folder) / copy).read_text("utf-8", "replace")
        locked = read_lock("package-lock.json", text)
        if locked is None:
            raise ValueError(f"{path} is no lock file")
        room = Path(folder) / f"npm-{copy.replace('/', '-')}"
        room.mkdir(exist_ok=True)
        (room / "package-lock.json").write_text(text, "utf-8")
        (room / "package.json").write_text(json.dumps(_root(text)), "utf-8")
        where = (f"--registry={self.feed}",) if self.feed else ()
        done = run_program(
            *(_NAME, *_OPTIONS, *where), folder=str(room), seconds_max=self.seconds_max, online=True
        )
        fault = fault_of(done, _ENDS)
        if fault:
            raise _NoAnswer(fault)
        plain = answer_of(done)
        if "vulnerabilities" not in plain:
            said = plain.get("message") or plain.get("error") or "it gave no answer."
            raise _NoAnswer(" ".join(str(said).split())[:300])
        total, wanted = int(plain["metadata"]["dependencies"]["total"]), len(locked)
        if total < wanted:
            raise _NoAnswer(f"only {total} of {wanted} packages were audited.")
        return list(_hits(path, plain["vulnerabilities"]))


def _root(text: str) -> dict[str, Any]:
    """Return what the lock file says about the application itself, without anything that could run."""
    plain = json.loads(text)
    root = plain.get("packages", {}).get("", {})
    kept = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return {"name": "patch", "version": "0.0.0", **{key: root[key] for key in kept if key in root}}


def _hits(path: str, vulnerabilities: dict[str, Any]) -> Iterator[Hit]:
    for name, each in vulnerabilities.items():
        for via in each["via"]:
            if isinstance(via, dict):
                rule = str(via.get("url", via.get("source", ""))).rpartition("/")[2]
                said = f"{name} {via.get('range', '')}: {via.get('title', '')}"
                yield Hit(path, 0, rule or "advisory", " ".join(said.split())[:200], text=str(name))


ADAPTER = NpmAuditScanner
_check: type[Scanner] = NpmAuditScanner
