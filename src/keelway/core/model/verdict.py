"""What a gate says: pass, hold for a person, or fail; with reasons and what was examined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Ruling(StrEnum):
    """Rank the answers of a gate from best to worst."""

    PASS = "pass"  # noqa: S105 - a ruling, not a password
    HOLD = "hold"
    FAIL = "fail"


_ORDER = (Ruling.PASS, Ruling.HOLD, Ruling.FAIL)


@dataclass(frozen=True)
class Finding:
    """State one reason of a verdict."""

    code: str
    """Stable machine code such as ``"tests_missing"``."""
    ruling: Ruling
    message: str
    """One sentence for a person, with the numbers."""
    examined: int = 1
    """How many things were looked at; a pass that examined nothing is a failure (invariant 5)."""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Combine the findings of one gate; the worst one rules."""

    gate: str
    findings: tuple[Finding, ...]

    @property
    def ruling(self) -> Ruling:
        """Return the worst ruling; no findings, or a pass that examined nothing, is a failure."""
        if not self.findings:
            return Ruling.FAIL
        return max((_effective(finding) for finding in self.findings), key=_ORDER.index)

    @property
    def passed(self) -> bool:
        """Tell whether the gate is open."""
        return self.ruling is Ruling.PASS

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """Return the findings that keep the gate shut, worst first."""
        shut = [finding for finding in self.findings if _effective(finding) is not Ruling.PASS]
        return tuple(sorted(shut, key=lambda finding: -_ORDER.index(_effective(finding))))

    @property
    def code(self) -> str:
        """Return the code of the worst reason, ``"passed"`` when there is none."""
        if not self.findings:
            return "nothing_examined"
        return self.reasons[0].code if self.reasons else "passed"


def _effective(finding: Finding) -> Ruling:
    if finding.ruling is Ruling.PASS and finding.examined < 1:
        return Ruling.FAIL
    return finding.ruling


def passed(code: str, message: str, *, examined: int = 1, **evidence: str) -> Finding:
    """Make a finding that lets through."""
    return Finding(code, Ruling.PASS, message, examined, evidence)


def held(code: str, message: str, *, examined: int = 1, **evidence: str) -> Finding:
    """Make a finding that asks a person."""
    return Finding(code, Ruling.HOLD, message, examined, evidence)


def failed(code: str, message: str, *, examined: int = 1, **evidence: str) -> Finding:
    """Make a finding that says no."""
    return Finding(code, Ruling.FAIL, message, examined, evidence)


def combine(gate: str, findings: Iterable[Finding]) -> Verdict:
    """Collect findings into the verdict of ``gate``."""
    return Verdict(gate, tuple(findings))
