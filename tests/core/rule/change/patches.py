"""Patches of one file, written as their removed and added lines."""

from __future__ import annotations

from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.rule.change.judge import judge_change


def patch(text: str, path: str = "app/shop.py", status: str = "M") -> Diff:
    """Read lines that begin with ``-`` or ``+``; others are context, and only move the numbers on."""
    old = new = 10
    added, removed = [], []
    for line in text.strip("\n").split("\n"):
        if line.startswith("+"):
            added.append((new, line[1:]))
        elif line.startswith("-"):
            removed.append((old, line[1:]))
        old += not line.startswith("+")
        new += not line.startswith("-")
    delta = FileDelta(path, status, added=len(added), removed=len(removed))
    return Diff("b" * 40, "a" * 40, (delta,), {path: tuple(added)}, {path: tuple(removed)})


def asked(diff: Diff) -> set[str]:
    """Return the codes for which a person is asked; every finding has to have examined something."""
    findings: tuple[Finding, ...] = judge_change(diff)
    assert len(findings) == 12
    assert all(finding.examined > 0 for finding in findings)
    assert not any(finding.ruling is Ruling.FAIL for finding in findings)
    return {finding.code for finding in findings if finding.ruling is Ruling.HOLD}
