"""Find changes after which errors are no longer seen: swallowed, logged less, not counted, sampled away.

Each rule asks a person; none of them says that the change is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from keelway.core.model.verdict import Finding
from keelway.core.rule.change.lines import Changed, Line, asked, following, unmoved

_GAP_MAX = 3
"""So many lines of comments may stand between a catch and its body."""

_BROAD = re.compile(
    r"""(?x)
    ^\s*except\s*: | ^\s*except\b[^:]*\b(?:Exception|BaseException)\b[^:]*:
    | \bcatch\s*(?:\(\s*(?:(?:final\s+)?\\?(?:Exception|Throwable|RuntimeException|Error)\b[^)]*|\$?\w+(?:\s*:\s*\w+)?)\s*\))?\s*\{
    | ^\s*rescue\b(?:\s+(?:StandardError|Exception)\b.*|\s*=>.*|\s*)$
    | \bif\s+err\s*!=\s*nil\s*\{
    """
)
_TYPED = re.compile(r"\b(?:except|rescue)\b|\b(?:Exception|Throwable)\b")
_DEFAULT = (
    r"(?:pass|\.\.\.|continue|break|end|nil"
    r"|return(?:\s+(?:None|nil|null|undefined|True|False|true|false|0|-1|\"\"|''|``|\[\s*\]|\{\s*\}|\(\s*\)|\w*(?:default|fallback|empty)\w*)"
    r"(?:\s*,\s*(?:nil|None|null|true|false))?)?)"
)
_EMPTY_BODY = re.compile(rf"^\s*(?:{_DEFAULT}\s*;?\s*\}}?|\}}\s*[\w\s]*\{{?)\s*[;)]*\s*$")
_INLINE = re.compile(
    rf"""(?x)
    ^\s*except\b[^:]*:\s*{_DEFAULT}\s*$ | \bcatch\s*(?:\([^)]{{0,200}}\))?\s*\{{\s*(?:{_DEFAULT}\s*;?)?\s*\}}
    | \bsuppress\([^)]{{0,200}}\b(?:Base)?Exception\b | \brescue\s+(?:nil|false|\[\]|\{{\}})
    | \.catch\(\s*(?:\(?\w*\)?\s*=>\s*(?:\{{\s*\}}|null|undefined|false|\[\]|\(\{{\}}\))|noop|\w+\.noop)\s*\)
    | \bif\s+err\s*!=\s*nil\s*\{{\s*{_DEFAULT}\s*\}}
    | ^\s*_\s*=\s*(?:err|recover\(\))\s*$ | \bdefer\s+recover\(\) | =\s*@\w+\( | \berror_reporting\(\s*0\s*\)
    """
)
_SHELL = re.compile(r"\|\|\s*(?:true|:)\s*(?:$|[;)#])|^\s*set\s+\+e\b")
_GO_ERR = re.compile(r"^\s*(\w[\w\s,]*?),\s*err\s*:?=\s*(.+)$")
_GO_DROPPED = re.compile(r"^\s*(\w[\w\s,]*?),\s*_\s*:?=\s*(.+)$")

_LEVELS = {
    "critical": 5, "fatal": 5, "emergency": 5, "alert": 5, "exception": 4, "error": 4, "err": 4, "severe": 4, "warning": 3,
    "warn": 3, "info": 2, "log": 2, "notice": 2, "debug": 1, "trace": 0, "verbose": 0,
}  # fmt: skip
_LOG = re.compile(
    r"(?i)(?:log|console|zap|sugar)\w{0,20}\s?(?:\(\))?(?:\.|->|::)\s?("
    + "|".join(_LEVELS)
    + r")(?:f|w|ln|context)?\s*!?\("
)
_ERROR_LEVEL = 4
_THRESHOLD = re.compile(
    r"(?i)(?:setLevel\(|\blog_?level\b[\"']?\s*[:=]|\blevel\s*[:=]\s*)\s*[\"']?(?:\w+\.)*("
    + "|".join(_LEVELS)
    + r")\b"
)
_SILENCED = re.compile(
    r"\blogging\.disable\(|\.disabled\s*=\s*True|\bLOG_LEVEL\W+(?:off|none|silent)\b|console\.error\s*=\s*"
)
_COUNTER = re.compile(
    r"""(?ix)
    (?:error|fail|exception|crash|panic)\w{0,40}(?:\.labels\([^)]{0,100}\)|\.WithLabelValues\([^)]{0,100}\))?\.(?:inc|increment|add|observe|mark)\(
    | \b(?:incr|increment|count|counter|inc)\w*\(\s*["'`][\w.:-]{0,60}(?:error|fail|exception)
    | (?:error|failure)s?(?:_total|_count)?\s*\+=\s*1 | (?:error|failure)\w{0,40}\+\+
    | \bcapture_?(?:exception|message|error)\( | \brecord_?(?:exception|error)\( | \bnotice_error\( | \bBugsnag\b.*\bnotify\(
    | ^\s*(?:\\?report)\(\s*\$\w+\s*\)
    """
)
_SAMPLED = re.compile(
    r"""(?ix)
    \b\w*sampl(?:e|ing)_?(?:r|_r)ate\w*["']?\s*[:=]\s*(?:0?\.\d+|0\b) | \bsampleRate["']?\s*[:=]\s*(?:0?\.\d+|0\b)
    | \b(?:before_?send|ignore_?errors|ignore_?exceptions|deny_?urls)\b["']?\s*[:=]\s*(?:[\[(]|\w+\s*,?\s*$)
    """
)
_BY_CHANCE = re.compile(
    r"^\W*(?:el(?:se )?)?if\b.*(?:\brandom\(\)|\brand\.Float64\(\)|\bmt_rand\(|\brand\().*[<>]"
)


def judge_errors(changed: Changed) -> tuple[Finding, ...]:
    """Say where a patch makes errors harder to see; one finding for each way."""
    added, removed = unmoved(changed.added, changed.removed), unmoved(changed.removed, changed.added)
    return (
        asked("error_swallowed", "Errors are swallowed", _swallowed(changed, added, removed), changed),
        asked("log_level_lowered", "An error is logged at a lower level", _lowered(added, removed), changed),
        asked("error_log_removed", "Errors are no longer logged", _lost(_is_error_log, changed), changed),
        asked("error_counter_removed", "Errors are no longer counted", _lost(_counts, changed), changed),
        asked("error_sampled", "Errors may be left out", _sampled(changed, set(added)), changed),
    )


def _swallowed(changed: Changed, added: tuple[Line, ...], removed: tuple[Line, ...]) -> list[Line]:
    fresh = set(added)
    found = [line for line in added if _INLINE.search(line.text) or _in_shell(line)]
    for at, line in enumerate(changed.added):
        if line in fresh and _BROAD.search(line.text) and line not in found and _does_nothing(changed, at):
            found.append(line)
    return [*found, *_dropped(added, removed), *_unraised(changed, added, removed)]


def _does_nothing(changed: Changed, at: int) -> bool:
    """Tell whether the body of a catch is a default; one that was there before and is not shown is not believed."""
    line, body = changed.added[at], following(changed.added, at)
    if body is None or body.number > line.number + _GAP_MAX:
        return _TYPED.search(line.text) is not None  # it may have been a narrow one
    return _EMPTY_BODY.match(body.text) is not None


def _in_shell(line: Line) -> bool:
    name = line.path.rpartition("/")[2]
    scripted = name.endswith((".sh", ".bash", ".mk")) or "." not in name
    return scripted and _SHELL.search(line.text) is not None


def _dropped(added: tuple[Line, ...], removed: tuple[Line, ...]) -> list[Line]:
    """Find Go's errors that were taken and are now thrown away."""
    taken = {(line.path, match[2].strip()) for line in removed if (match := _GO_ERR.match(line.text))}
    return [
        line
        for line in added
        if (match := _GO_DROPPED.match(line.text)) and (line.path, match[2].strip()) in taken
    ]


def _unraised(changed: Changed, added: tuple[Line, ...], removed: tuple[Line, ...]) -> list[Line]:
    """Find a bare re-raise that gave way to a default in a file that stays."""
    raised = {line.path for line in removed if re.match(r"\s*(?:raise|throw)\s*;?\s*$", line.text)}
    again = {line.path for line in added if re.match(r"\s*(?:raise|throw)\b", line.text)}
    return [
        line
        for line in removed
        if line.path in raised - again - changed.gone and re.match(r"\s*(?:raise|throw)\s*;?\s*$", line.text)
    ]


def _said(text: str) -> tuple[int, str] | None:
    """Return the level of a call to a logger and what it says."""
    match = _LOG.search(text)
    return (_LEVELS[match[1].lower()], " ".join(text[match.end() :].split())) if match else None


def _lowered(added: tuple[Line, ...], removed: tuple[Line, ...]) -> list[Line]:
    before: dict[tuple[str, str], int] = {}
    threshold: dict[str, int] = {}
    for line in removed:
        if said := _said(line.text):
            key = (line.path, said[1])
            before[key] = max(before.get(key, 0), said[0])
        if match := _THRESHOLD.search(line.text):
            threshold[line.path] = _LEVELS[match[1].lower()]
    found = []
    for line in added:
        said, match = _said(line.text), _THRESHOLD.search(line.text)
        quieter = said is not None and said[0] < before.get((line.path, said[1]), 0)
        deaf = match is not None and _LEVELS[match[1].lower()] > threshold.get(line.path, _ERROR_LEVEL)
        if quieter or deaf or _SILENCED.search(line.text):
            found.append(line)
    return found


def _is_error_log(text: str) -> bool:
    said = _said(text)
    return said is not None and said[0] >= _ERROR_LEVEL


def _counts(text: str) -> bool:
    return _COUNTER.search(text) is not None


def _lost(is_one: Callable[[str], bool], changed: Changed) -> list[Line]:
    """Return the removed lines of a kind, for each file that stays as many as it has fewer of now."""
    lost: list[Line] = []
    for path in changed.paths:
        before = [line for line in changed.removed if line.path == path and is_one(line.text)]
        now = [line for line in changed.added if line.path == path and is_one(line.text)]
        if path not in changed.gone and len(before) > len(now):
            lost += unmoved(before, now)[: len(before) - len(now)]
    return lost


def _sampled(changed: Changed, fresh: set[Line]) -> list[Line]:
    found = [line for line in changed.added if line in fresh and _SAMPLED.search(line.text)]
    for at, line in enumerate(changed.added):
        then = following(changed.added, at)
        if (
            line in fresh
            and _BY_CHANCE.search(line.text)
            and then
            and (_said(then.text) or _counts(then.text))
        ):
            found.append(line)
    return found
