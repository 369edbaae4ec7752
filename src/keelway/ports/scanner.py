"""Who looks for flaws in the files that a patch changes: secrets, unsafe code, workflows, known vulnerabilities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from keelway.core.scan.report import ScanReport


@dataclass(frozen=True)
class Copies:
    """Name files of a patch that were written from its commits into a private folder, under names of ours.

    What a file is called in the commit, and what lies beside it, must not tell a scanner to look away.
    """

    folder: str
    """Private folder; ``head/`` and ``base/`` in it hold the copies, and the rest is for the scanner."""
    head: dict[str, str]
    """Path in the commit to name of the copy in ``head/``."""
    base: dict[str, str]
    """The same for the files before the patch, in ``base/``."""
    lines: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Numbers of the added lines, by path."""


@dataclass(frozen=True)
class Tool:
    """Say whether a scanner can be used here."""

    version: str = ""
    install: str = ""
    """The command that installs it, when it is not there."""


@dataclass(frozen=True)
class ScanJob:
    """Ask scanners about the difference between two commits."""

    base_sha: str
    head_sha: str
    tools: tuple[str, ...]
    paths: tuple[str, ...]
    """Files that are there after the patch and that it adds or alters."""
    lines: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Numbers of the added lines, by path."""


class Scanner(Protocol):
    """Look for one kind of flaw; whatever goes wrong is part of the report, never an exception."""

    def probe(self) -> Tool:
        """Find out whether it is installed; nothing is scanned."""
        ...

    def scan(self, copies: Copies) -> ScanReport:
        """Examine the copies of both commits, within its time; no secret is ever part of the report."""
        ...


class Scanners(Protocol):
    """Let the configured scanners look at a patch, all in one go."""

    def examine(self, job: ScanJob) -> tuple[ScanReport, ...]:
        """Return one report for each tool that a changed file concerns; failures are part of the report."""
        ...
