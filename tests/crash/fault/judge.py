"""Say what is wrong with the end of a life in which a call failed: three ends are allowed, and nothing in between.

The task went through; or it was undone and everything is as it was; or it was undone as far as
possible, and a person was called to the rest by name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

ONCE = frozenset(
    {
        "open_issue",
        "open_pull",
        "merge",
        "tag",
        "revert",
        "comment",
        "tell",
        "take",
        "restore",
        "open_incident",
    }
)
"""Verbs that people outside see: each of their keys may alter something once at most."""

ONCE_PER_TASK = frozenset({"open_issue", "merge", "tag", "revert"})
"""Verbs that are done once for a task and a name, whichever attempt does it."""

_END = re.compile(r"T-\d+ ")
"""How the word on the end of a task begins; what is said of it on the way has a colon."""

_ATTEMPT = re.compile(r"/\d+/")

CLOSED = frozenset({"deployed", "failed", "rolled_back", "aborted"})
CALLS = ("needs you", "revert by hand")
PAGED_FOR = frozenset({"trees", "environments", "merges reverted"})
"""What may be open when a person was called to it by name."""

TIDYING = {"tag": "tags", "tell": "end told once", "close workspace": "workspaces closed"}
"""What may be missing when the failure of this effect is in the book; the clean-up removes a workspace later."""


@dataclass(frozen=True)
class End:
    """Hold what the judgement needs to know of an end."""

    status: str
    code: str
    outside: dict[str, Any]
    """Trees, tags and what serves in the environments."""
    told: list[str]
    effects: Counter[str]
    failed_effects: list[str] = field(default_factory=list)
    merges_reverted: bool = True
    workspaces: list[str] = field(default_factory=list)
    leases_free: bool = True
    stories_ended: bool = True
    chain_whole: bool = True


def wrongs(end: End, as_it_was: dict[str, Any], through: dict[str, Any]) -> dict[str, Any]:
    """Return what is neither as it would be, nor as it was, nor in the hands of a person."""
    expected = through if end.status == "deployed" else as_it_was
    wrong: dict[str, Any] = {
        name: (expected[name], now) for name, now in end.outside.items() if now != expected[name]
    }
    checks = {
        "closed": end.status in CLOSED,
        "end told once": sum(bool(_END.match(line)) for line in end.told) == 1,
        "effects once": not twice(end.effects),
        "merges reverted": end.merges_reverted,
        "workspaces closed": not end.workspaces,
        "leases free": end.leases_free,
        "stories ended": end.stories_ended,
        "chain whole": end.chain_whole,
    }
    wrong |= {name: "no" for name, well in checks.items() if not well}
    excused = set(PAGED_FOR) if any(map(_is_call, end.told)) else set()
    excused |= {TIDYING[effect] for effect in end.failed_effects if effect in TIDYING}
    wrong = {name: value for name, value in wrong.items() if name not in excused}
    return wrong and {**wrong, "end": (end.status, end.code, end.told), "twice": twice(end.effects)}


def _is_call(line: str) -> bool:
    return any(call in line for call in CALLS)


def twice(effects: Counter[str]) -> dict[str, int]:
    """Return what people outside would see twice, also when a second attempt of a stage did it under another key."""
    seen: Counter[str] = Counter()
    for what, count in effects.items():
        verb = what.split(" ")[0].split(".")[-1]
        if verb in ONCE:
            seen[_ATTEMPT.sub("/N/", what) if verb in ONCE_PER_TASK else what] += count
    return {what: count for what, count in seen.items() if count > 1}
