"""What the reports of scanners mean: what a patch adds counts, what the base had already does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from keelway.core.model.verdict import Finding, Ruling, failed, held, passed
from keelway.core.scan.concern import concerns
from keelway.core.scan.report import Hit, ScanReport
from keelway.core.words.text import line

_SHOWN_MAX = 5
_WHOLE_FILE = frozenset({"zizmor", "pip_audit", "npm_audit"})
"""Scanners whose hits are about a file as a whole: a patch that touches it answers for all that is new in it."""
_CODES = {
    "known_secrets": ("secret_known", "A value that Keelway keeps secret is in the patch"),
    "detect_secrets": ("secret_found", "Credentials in added lines"),
    "bandit": ("sast_worse", "Added lines are unsafe"),
    "semgrep": ("sast_worse", "Added lines break the rules"),
    "zizmor": ("workflow_unsafe", "Added lines make a workflow unsafe"),
    "pip_audit": ("advisory_open", "Packages with known vulnerabilities"),
    "npm_audit": ("advisory_open", "Packages with known vulnerabilities"),
}
_UNSURE = {"secret_found": "secret_suspected"}


@dataclass(frozen=True)
class ScanCase:
    """Hold what a patch changes, as far as scanners are concerned."""

    paths: tuple[str, ...]
    """Files that are there after it."""
    lines: Mapping[str, Collection[int]]
    """Numbers of the added lines, by path."""


def judge_scans(tools: Iterable[str], reports: Iterable[ScanReport], case: ScanCase) -> tuple[Finding, ...]:
    """Judge the reports of the configured scanners; one that says nothing is not passed."""
    said = {report.tool: report for report in reports}
    findings: list[Finding] = []
    for tool in dict.fromkeys(tools):
        concerned = [path for path in case.paths if concerns(tool, path)]
        if not concerned:
            count = max(1, len(case.paths))
            none = f"{tool}: no file of its kind changes."
            findings.append(passed("scanner_not_concerned", none, examined=count, tool=tool))
        else:
            findings += _judge(said.get(tool, ScanReport(tool, error="it gave no report")), concerned, case)
    return tuple(findings)


def _judge(report: ScanReport, concerned: list[str], case: ScanCase) -> list[Finding]:
    name = f"{report.tool} {line(report.version, 30)}".strip()
    if report.absent:
        said = f"{report.tool}: the policy asks for it and it is not installed. Next: {line(report.absent)}"
        return [failed("scanner_absent", said, examined=0, tool=report.tool)]
    if report.unreached:
        said = f"{report.tool}: whether there are known vulnerabilities was not answered: {line(report.unreached)}"
        return [held("advisory_unknown", said, examined=0, tool=report.tool)]
    if report.error:
        return [
            failed("scanner_failed", f"{report.tool}: {line(report.error)}", examined=0, tool=report.tool)
        ]
    missed = sorted(set(concerned) - set(report.examined))
    if missed:
        none = len(missed) == len(concerned)
        said = f"{report.tool}: {len(missed)} of {len(concerned)} file(s) were not examined: {_some(missed)}."
        code = "scanner_empty" if none else "scanner_partial"
        return [failed(code, said, examined=len(concerned) - len(missed), tool=report.tool)]
    fresh = list(_fresh(report, case))
    found = list(_found(report.tool, [hit for hit in fresh if hit.sure], len(concerned), sure=True))
    found += _found(report.tool, [hit for hit in fresh if not hit.sure], len(concerned), sure=False)
    clean = f"{report.tool}: nothing new in {len(concerned)} file(s) ({name})."
    return found or [passed("scan_clean", clean, examined=len(concerned), tool=report.tool)]


def _fresh(report: ScanReport, case: ScanCase) -> Iterator[Hit]:
    """Yield the hits that the patch brings in, each of them as often as it comes more often than before."""
    before = Counter((hit.path, hit.rule, hit.text) for hit in report.base_hits)
    for hit in report.hits:
        key = (hit.path, hit.rule, hit.text)
        if before[key] > 0:
            before[key] -= 1
        elif report.tool in _WHOLE_FILE or _is_added(hit, case):
            yield hit


def _is_added(hit: Hit, case: ScanCase) -> bool:
    added = case.lines.get(hit.path, ())
    last = max(hit.line, hit.end_line)
    return not hit.line or any(hit.line <= number <= last for number in added)


def _found(tool: str, hits: list[Hit], examined: int, *, sure: bool) -> Iterator[Finding]:
    if not hits:
        return
    code, what = _CODES.get(tool, _CODES["semgrep"])
    shown = _some(f"{hit.path}:{hit.line} {hit.rule} ({line(hit.message, 120)})" for hit in hits)
    count = str(len(hits))
    if sure:
        yield failed(code, f"{what}: {shown}.", examined=examined, count=count, tool=tool)
        return
    said = f"{what}, perhaps: {shown}; a person has to look."
    yield held(_UNSURE.get(code, code), said, examined=examined, count=count, tool=tool)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN_MAX} more" if listed[_SHOWN_MAX:] else ""
    return "; ".join(listed[:_SHOWN_MAX]) + more


def left_to_a_person(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Let what only a person can decide go on to the review, and name it there as a reason for the highest risk.

    Returns:
        The findings, and one factor of risk for each that asked a person.
    """
    kept: list[Finding] = []
    factors: list[str] = []
    for finding in findings:
        if finding.ruling is Ruling.HOLD:
            factors.append(finding.message.rstrip("."))
            said = f"{finding.message} The review asks a person."
            kept.append(replace(finding, ruling=Ruling.PASS, message=said, examined=max(1, finding.examined)))
        else:
            kept.append(finding)
    return tuple(kept), tuple(dict.fromkeys(factors))
