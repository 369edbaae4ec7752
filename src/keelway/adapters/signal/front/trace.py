"""Tell the same error again by its kind and its place, whatever numbers and names it carries."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_FRAMES_MAX = 8
_FILES_MAX = 20
_CHAIN_MAX = 5
_TEXT_CHARS = 64 * 1024
_FRAME = re.compile(r'^\s*File "([^"\n]+)", line \d+, in (.+)$', re.MULTILINE)
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)")
_ROOT = re.compile(r"^.*/releases/[^/]+/[^/]+/tree/")
_FOREIGN = re.compile(r"(^|/)(\.venv|venv|site-packages|dist-packages|node_modules)/|^/|^<")
_MASKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(['\"])(?:(?!\1).){1,200}\1"), "<text>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<n>"),
)


@dataclass(frozen=True)
class Trace:
    """Hold what identifies an error."""

    fingerprint: str
    files: tuple[str, ...]
    """Files of the application, innermost last."""
    last_line: str


def masked(text: str) -> str:
    """Replace what differs between two occurrences of one error: numbers, ids and quoted texts."""
    line = text.strip().partition("\n")[0]
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line


def read_trace(text: str, kind: str, message: str, logger: str) -> Trace:
    """Read a Python stack trace.

    The fingerprint is the SHA-256 of the types of the exception chain and the innermost frames in
    files of the application; line numbers do not count, because they move with every change.
    Without such frames it is that of the type, the logger and the masked message.
    """
    text = text[-_TEXT_CHARS:]
    frames = [(_inside(path), function) for path, function in _FRAME.findall(text)]
    ours = [(path, function) for path, function in frames if path]
    raised = _raised(text)
    chain = [name for name, _ in raised][-_CHAIN_MAX:] or [kind]
    last_line = raised[-1][1] if raised else ""
    if ours:
        parts = [*chain, *(f"{path}:{function.strip()}" for path, function in ours[-_FRAMES_MAX:])]
    else:
        parts = [*chain, logger, masked(last_line or message)]
    fingerprint = hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
    files = tuple(dict.fromkeys(path for path, _ in reversed(ours)))[:_FILES_MAX]
    return Trace(fingerprint, files[::-1], last_line)


def _raised(text: str) -> list[tuple[str, str]]:
    """Return type and line of every exception of a trace: they stand below frames, which are indented."""
    found, before = [], " "
    for line in text.splitlines():
        name = _RAISED.match(line)
        if name and before.startswith(" "):
            found.append((name[1], line.strip()))
        before = line or before
    return found


def _inside(path: str) -> str:
    """Return a path relative to the release, empty for code that is not the application's."""
    relative = _ROOT.sub("", path)
    return "" if _FOREIGN.search(relative) else relative
