"""Read the errors out of a JSON-lines log that others write, rotate and sometimes spoil."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keelway.adapters.signal.front.parts import BYTES_MAX, parts_of, reading
from keelway.adapters.signal.front.trace import Trace, read_trace
from keelway.ports.signal import ExceptionSeen

GROUPS_MAX = 500
_EVIDENCE_CHARS = 6_000
_TITLE_CHARS = 200
_LINE_BYTES_MAX = 256 * 1024
_WORTH_PARSING = re.compile(rb"error|critical|fatal|traceback|exc_type|exception", re.IGNORECASE)
_BAD_LEVELS = frozenset({"ERROR", "CRITICAL", "FATAL"})
_TIMES = ("time", "timestamp", "ts", "asctime", "@timestamp")
_TRACES = ("traceback", "exception", "exc_info", "stack", "stacktrace")


@dataclass(frozen=True)
class Logged:
    """Hold one logged error."""

    at: datetime
    release: str
    route: str
    title: str
    evidence: str
    trace: Trace


def exceptions_in(path: Path, since: datetime, until: datetime | None = None) -> tuple[ExceptionSeen, ...]:
    """Return the errors of a log and of its rotated parts, the most frequent first.

    Raises:
        TheirFault: the log, or the folder in which it would be, cannot be read (``log_unreadable``).
    """
    groups: dict[str, list[Logged]] = {}
    with reading(path):
        for line, written_at in _lines(path, since):
            logged = _logged(line, written_at)
            if logged is not None and logged.at >= since and (until is None or logged.at < until):
                group = groups.setdefault(logged.trace.fingerprint, [])
                if len(groups) > GROUPS_MAX:
                    del groups[logged.trace.fingerprint]
                    continue
                group.append(logged)
    seen = [_seen(fingerprint, group) for fingerprint, group in groups.items()]
    return tuple(sorted(seen, key=lambda one: (-one.count, one.fingerprint)))


def _seen(fingerprint: str, group: list[Logged]) -> ExceptionSeen:
    last = max(group, key=lambda one: one.at)
    return ExceptionSeen(
        fingerprint=fingerprint,
        title=last.title,
        count=len(group),
        release=last.release,
        first_at=min(one.at for one in group),
        last_at=last.at,
        route=last.route,
        evidence=last.evidence,
        files=last.trace.files,
    )


def _lines(path: Path, since: datetime) -> Iterator[tuple[bytes, datetime]]:
    """Yield the lines worth parsing, oldest file first, and when each file was last written.

    A log that was never written is empty only when its folder is there to be written to.
    """
    rotated = reversed(parts_of(path)[1:])
    parts = [part for part in rotated if part.is_file() and part.stat().st_mtime >= since.timestamp()]
    if path.exists():
        parts.append(path)
    else:
        next(iter(path.parent.iterdir()), None)
    budget, chosen = BYTES_MAX, []
    for part in reversed(parts):
        size = part.stat().st_size
        chosen.append((part, max(0, size - budget)))
        budget = max(0, budget - size)
    for part, offset in reversed(chosen):
        written_at = datetime.fromtimestamp(part.stat().st_mtime, UTC)
        with part.open("rb") as file:
            file.seek(offset)
            if offset:
                file.readline(_LINE_BYTES_MAX)
            while line := file.readline(_LINE_BYTES_MAX):
                if _WORTH_PARSING.search(line):
                    yield line, written_at


def _logged(line: bytes, written_at: datetime) -> Logged | None:
    """Read one line; what is no error record, or no JSON, is nothing."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    text = next((event[name] for name in _TRACES if isinstance(event.get(name), str)), "")
    kind = _text(event, "exc_type")
    if not text and not kind and _text(event, "level", "levelname", "severity").upper() not in _BAD_LEVELS:
        return None
    message = _text(event, "message", "msg", "event")
    trace = read_trace(text, kind, message, _text(event, "logger", "name"))
    said = trace.last_line or ": ".join(part for part in (kind, message) if part) or "an error without words"
    return Logged(
        at=_instant(event) or written_at,
        release=_text(event, "release"),
        route=_text(event, "route", "path")[:_TITLE_CHARS],
        title=said[:_TITLE_CHARS],
        evidence=(text or message)[-_EVIDENCE_CHARS:],
        trace=trace,
    )


def _text(event: dict[str, Any], *names: str) -> str:
    return next((event[name] for name in names if isinstance(event.get(name), str)), "")


def _instant(event: dict[str, Any]) -> datetime | None:
    """Read the time of a record; one without a zone is taken for UTC."""
    value = next((event[name] for name in _TIMES if name in event), None)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
