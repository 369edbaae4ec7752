"""The fingerprint of a failure: the same for the same trouble, whatever numbers, paths and times are in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from keelway.core.codec import digest
from keelway.core.model.task import Request
from keelway.core.model.verdict import Finding, Ruling
from keelway.core.words.text import clean

LINES_MAX = 8
"""So many telling lines of a text count; a failure says what it is in a few."""
_LINE_CHARS_MAX = 300
_CHARS_READ_MAX = 40_000
_DIGITS = 16

_SUFFIX = (
    "py|pyi|pyx|js|jsx|mjs|cjs|ts|tsx|vue|go|rs|java|kt|rb|php|c|h|cc|cpp|hpp|cs|swift|sql|toml|ini|cfg|conf|ya?ml|json"
    "|xml|html?|css|scss|md|rst|txt|log|lock|sh|env"
)
_PARTS = (
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d\d?:\d\d:\d\d(?:[.,]\d+)?"), "<time>"),
    (re.compile(r"(?:\b[a-z]:)?(?:[\w.~@+-]*[/\\])+[\w.~@+-]*"), "<path>"),
    (re.compile(rf"\b[\w.-]+\.(?:{_SUFFIX})\b"), "<path>"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "#"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "#"),
    (re.compile(r"(?<![0-9a-z])(?=[0-9]*[a-f])(?=[a-f]*\d)[0-9a-f]{7,}(?![0-9a-z])"), "#"),
    (re.compile(r"(?<![\w#<])[-+]?\d[\d_,.]*(?:e[-+]?\d+)?"), "#"),
)
_WORD = re.compile(r"[^\W_]+")
_RULE = re.compile(r"^[\s=_*.#-]*$|^=+ .* =+$|^_+ .* _+$")
_TELLING = re.compile(
    r"^e\s{2,}\S|^\S+:\d+(?::\d+)?:?\s|(?:error|exception)\b|\b(?:fail(?:ed|ure|s)?|fatal|panic|cannot|can't|could not"
    r"|undefined|unknown|missing|expected|unexpected|denied|refused|timed out|not found|no such|invalid|unresolved)\b"
)


def signature_of(what: Iterable[Finding] | str) -> str:
    """Return the fingerprint of a gate's findings or of a failure's text, empty when nothing failed.

    Numbers, hexadecimal names, paths and times do not count, nor does the order of findings or lines.
    """
    if isinstance(what, str):
        lines = _normal_lines(what)
        return f"text:{_short(lines)}" if lines else ""
    shut = {_of_finding(finding) for finding in what if _is_shut(finding)}
    return f"{min(shut)[0]}:{_short(sorted(shut))}" if shut else ""


def problem_of(request: Request) -> str:
    """Return the fingerprint of what a request wants cured: its error, its evidence, or its words."""
    if request.fingerprint:
        return f"request:{_short(request.fingerprint)}"
    if lines := _normal_lines(request.evidence):
        return f"request:{_short(lines)}"
    return f"request:{_short(_WORD.findall(clean(request.text).casefold()))}"


def telling_lines(text: str) -> tuple[str, ...]:
    """Return the lines of an output that say what is wrong, as they are; the last line when none does."""
    rows = [row.strip() for row in clean(text[-_CHARS_READ_MAX:]).split("\n")]
    rows = [row[:_LINE_CHARS_MAX] for row in rows if not _RULE.match(row)]
    telling = [row for row in dict.fromkeys(rows) if _TELLING.search(row.casefold())]
    return tuple(telling[:LINES_MAX] or rows[-1:])


def normalised(text: str) -> str:
    """Return a line with marks in the place of everything that differs from run to run."""
    plain = " ".join(clean(text).casefold().split())
    for part, mark in _PARTS:
        plain = part.sub(mark, plain)
    return plain


def _normal_lines(text: str) -> list[str]:
    return sorted({normalised(row) for row in telling_lines(text)})


def _of_finding(finding: Finding) -> tuple[str, str]:
    where = finding.evidence.get("check", "")
    return finding.code, "\n".join((where, *_normal_lines(finding.message)))


def _is_shut(finding: Finding) -> bool:
    return finding.ruling is not Ruling.PASS or finding.examined < 1


def _short(value: object) -> str:
    return digest(value).removeprefix("sha256:")[:_DIGITS]
