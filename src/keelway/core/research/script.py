"""Read what a file in JavaScript, TypeScript, Go or PHP offers to others by simple rules, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from keelway.core.research.facts import MEMBERS_MAX, NAMES_MAX, Name, Outline

_LINES_MAX = 5_000
_LINE_CHARS_MAX = 500
_WORD = r"[A-Za-z_$][\w$]*"
_METHOD = r"get|post|put|patch|delete|all|head|options"


@dataclass(frozen=True)
class _Rule:
    """Say what a line that fits is."""

    kind: str
    pattern: re.Pattern[str]
    """Groups by name: ``name``, and perhaps ``detail``, ``bases`` and ``verb``."""
    member: bool = False
    """It belongs to the class or contract before it."""


def _rule(kind: str, pattern: str, *, member: bool = False) -> _Rule:
    return _Rule(kind, re.compile(pattern), member)


_SCRIPT = (
    _rule(
        "contract",
        rf"^export\s+(?:default\s+)?interface\s+(?P<name>{_WORD})(?:\s+extends\s+(?P<bases>[^{{]+))?",
    ),
    _rule("contract", rf"^export\s+(?:default\s+)?abstract\s+class\s+(?P<name>{_WORD})"),
    _rule(
        "class",
        rf"^export\s+(?:default\s+)?class\s+(?P<name>{_WORD})(?:\s+(?:extends|implements)\s+(?P<bases>[^{{]+))?",
    ),
    _rule(
        "function",
        rf"^export\s+(?:default\s+)?(?:async\s+)?function\*?\s*(?P<name>{_WORD})\s*(?P<detail>\([^)]*\)?)",
    ),
    _rule("value", rf"^export\s+(?:const|let|var|enum|type)\s+(?P<name>{_WORD})"),
    _rule("value", rf"^(?:module\.)?exports\.(?P<name>{_WORD})\s*="),
    _rule("value", r"^module\.exports\s*=\s*(?P<name>[A-Za-z_$][\w$]*)\s*;?$"),
    _rule("route", rf"\b(?P<name>app|router|server|api)\.(?P<verb>{_METHOD})\(\s*['\"`](?P<detail>[^'\"`]+)"),
)
_GO = (
    _rule("contract", r"^type\s+(?P<name>[A-Z]\w*)(?:\[[^\]]*\])?\s+interface\b"),
    _rule("class", r"^type\s+(?P<name>[A-Z]\w*)(?:\[[^\]]*\])?\s+struct\b"),
    _rule("function", r"^func\s+(?P<name>[A-Z]\w*)(?:\[[^\]]*\])?(?P<detail>\([^)]*\)?)"),
    _rule(
        "function",
        r"^func\s+\(\w*\s*\*?(?P<bases>\w+)(?:\[[^\]]*\])?\)\s+(?P<name>[A-Z]\w*)(?P<detail>\([^)]*\)?)",
    ),
    _rule(
        "route",
        r"\b(?P<name>\w+)\.(?:HandleFunc|Handle|(?P<verb>GET|POST|PUT|PATCH|DELETE))\(\s*\"(?P<detail>[^\"]+)",
    ),
    _rule("member", r"^\t(?P<name>[A-Z]\w*)\([^)]*\)", member=True),
)
_PHP = (
    _rule("contract", r"^\s*interface\s+(?P<name>\w+)(?:\s+extends\s+(?P<bases>[\w\\, ]+))?"),
    _rule("contract", r"^\s*abstract\s+class\s+(?P<name>\w+)(?:\s+extends\s+(?P<bases>[\w\\]+))?"),
    _rule(
        "class",
        r"^\s*(?:final\s+|readonly\s+)*class\s+(?P<name>\w+)(?:\s+extends\s+(?P<first>[\w\\]+))?"
        r"(?:\s+implements\s+(?P<bases>[\w\\, ]+))?",
    ),
    _rule("class", r"^\s*(?:enum|trait)\s+(?P<name>\w+)"),
    _rule(
        "route", rf"\b(?P<name>Route)::(?P<verb>{_METHOD}|any|match|resource)\(\s*['\"](?P<detail>[^'\"]+)"
    ),
    _rule(
        "member",
        r"^\s+(?:abstract\s+|final\s+|static\s+)*public\s+(?:static\s+)?function\s+(?P<name>[a-zA-Z]\w*)",
        member=True,
    ),
    _rule("function", r"^function\s+(?P<name>\w+)\s*(?P<detail>\([^)]*\)?)"),
)
_RULES = {"JavaScript": _SCRIPT, "TypeScript": _SCRIPT, "Go": _GO, "PHP": _PHP}


def reads(language: str) -> bool:
    """Tell whether there are rules for a language."""
    return language in _RULES


def outline_script(path: str, language: str, text: str) -> Outline:
    """Return the outline of a file."""
    names: list[Name] = []
    lines = text.splitlines()
    for number, line in enumerate(lines[:_LINES_MAX], 1):
        if len(line) <= _LINE_CHARS_MAX:
            _add(names, _RULES[language], line, number)
    return Outline(path, language, names=tuple(names[:NAMES_MAX]), longest=max(map(len, lines), default=0))


def _add(names: list[Name], rules: tuple[_Rule, ...], line: str, number: int) -> None:
    for rule in rules:
        match = rule.pattern.search(line)
        if match is None:
            continue
        if not rule.member:
            names.append(_name(rule, match, number))
        elif names and names[-1].kind in {"class", "contract"} and len(names[-1].members) < MEMBERS_MAX:
            last = names[-1]
            members = (*last.members, match["name"])
            names[-1] = Name(last.kind, last.name, last.line, last.detail, last.bases, members)
        return


def _name(rule: _Rule, match: re.Match[str], number: int) -> Name:
    found = {key: value or "" for key, value in match.groupdict().items()}
    bases = ",".join(found.get(key, "") for key in ("first", "bases"))
    listed = [part.strip().rpartition("\\")[2] for part in re.split(r",|\s+implements\s+", bases)]
    detail = " ".join(found.get("detail", "").split())
    if rule.kind == "route":
        detail = f"{found.get('verb', '').upper()} {detail}".strip()
    return Name(rule.kind, found["name"], number, detail[:100], tuple(part for part in listed if part))
