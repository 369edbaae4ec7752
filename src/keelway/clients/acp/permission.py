"""Answer an agent's permission requests: by the kind of the option, once only, no by default.

A courtesy layer: agents may act without asking or ask for something else than they do. The
sandbox and the check of the resulting diff are the guard.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.acp.account import Call
from keelway.core.rule.glob import matches

_WRITES = frozenset({"edit", "delete", "move"})
_READS = frozenset({"read", "search"})
_HARMLESS = frozenset({"think"})
_RUNS = frozenset({"execute"})


@dataclass(frozen=True)
class Rights:
    """State what a turn may be permitted."""

    workspace: str
    writes: bool
    protected: tuple[str, ...]


def refusal(rights: Rights, call: Call) -> str:
    """Return why a tool call is not permitted, or an empty text when it is.

    A call that was announced as several kinds must pass as each of them.
    """
    known = _WRITES | _READS | _HARMLESS | _RUNS
    if not call.kinds or call.kinds - known:
        return f"unknown kind of tool call: {', '.join(sorted(call.kinds)) or 'none'}"
    if call.kinds & _WRITES:
        return _write_refusal(rights, call.paths)
    if call.kinds & _READS:
        outside = [path for path in sorted(call.paths) if not _below(rights.workspace, path)]
        return f"outside the workspace: {outside[0]}" if outside else ""
    return ""


def answer(options: Any, *, allowed: bool) -> dict[str, Any] | None:
    """Return the outcome that selects the option of the right kind, or None when there is none."""
    wanted = "allow_once" if allowed else "reject_once"
    for option in options if isinstance(options, list) else []:
        if (
            isinstance(option, dict)
            and option.get("kind") == wanted
            and isinstance(option.get("optionId"), str)
        ):
            return {"outcome": {"outcome": "selected", "optionId": option["optionId"]}}
    return None


def _write_refusal(rights: Rights, paths: set[str]) -> str:
    if not rights.writes:
        return "this role may not write"
    if not paths:
        return "the request names no path"
    for path in sorted(paths):
        names = _below(rights.workspace, path)
        if not names:
            return f"outside the workspace: {path}"
        if any(".git" in Path(name.casefold()).parts or matches(name, rights.protected) for name in names):
            return f"protected: {path}"
    return ""


def _below(workspace: str, path: str) -> tuple[str, ...]:
    """Return the path relative to the workspace, as written and with links followed; empty if it leaves."""
    if not workspace or "\0" in path:
        return ()
    real = _relative(os.path.realpath, workspace, path)
    written = _relative(os.path.abspath, workspace, path)
    return (real, written or real) if real else ()


def _relative(follow: Callable[[str], str], workspace: str, path: str) -> str:
    root = follow(workspace)
    place = follow(str(Path(root) / path))
    return os.path.relpath(place, root) if place.startswith(root + os.sep) else ""
