"""Describe how an act on real git ended, free of ids and times, so that two of them can be compared."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conformance.git_rig import git
from tests.crash.doors import Kept
from tests.crash.fault.judge import twice

from keelway.adapters.forge.local import LocalForge
from keelway.core.model.event import EventKind, verify_chain
from keelway.core.model.project import PRODUCTION, STAGING
from keelway.store.ledger import SqlLedger
from keelway.store.pulls import SqlPullBook
from keelway.testing.fakes.target import FakeTarget

LEASES = ("lane:fake", STAGING, PRODUCTION)
_BY_TIME = {EventKind.POLICY_LOADED, EventKind.CONTROL_CHANGED}
"""Events whose number depends on how often a process started and looked."""
_SHA, _ULID = (
    re.compile(r"\b(r-)?([0-9a-f]{12})([0-9a-f]{28})?\b"),
    re.compile(r"\b(?:01[0-9A-HJKMNP-TV-Z]{24}|Q-[0-9a-f]{16})\b"),
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_JUDGEMENT = re.compile(r"(?:pass|inconclusive|rollback): \d+ requests, .*?(?=\\n|\n)")
"""What a verdict was made from: how much was seen depends on how long nobody looked."""
_SPAN = re.compile(r"\bN (?:(?:d|h|min) N )*(?:d|h|min|s)\b")
_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")


class Names:
    """Call commits by their first line, and ids and numbers by their kind."""

    def __init__(self, repository: Path, branches: tuple[str, ...]) -> None:
        lines = git(repository, "log", "--all", "--format=%H %s").splitlines()
        self._subjects = {line[:12]: line[41:] for line in lines}
        self.logs = {
            name: git(repository, "log", "--topo-order", "--format=%s", name).splitlines()
            for name in branches
        }

    def plain(self, text: str) -> str:
        """Return a text without what differs from life to life."""
        text = _DIGEST.sub("a digest", text)
        named = _SHA.sub(lambda found: f"{found[1] or ''}<{self._subjects.get(found[2], 'a commit')}>", text)
        return _ULID.sub("ULID", named)


def describe(
    ledger: SqlLedger, forge: LocalForge, target: FakeTarget, kept: dict[str, Kept], folder: Path
) -> dict[str, Any]:
    """Return everything that must not depend on where a life was killed."""
    names = Names(folder / "home" / "repository.git", ("main", "develop"))
    row = ledger.tasks()[0]
    links = ledger.events(limit=100_000)
    text = names.plain
    book: SqlPullBook = forge._book  # type: ignore[assignment]
    numbers = range(1, 9)
    found: dict[str, Any] = {
        "task": [
            row.status.value,
            row.code,
            row.iterations,
            row.risk,
            row.plan_version,
            text(row.commit_sha),
        ],
        "trees": {
            name: {path: forge.read(forge.head(name), path) for path in forge.files(forge.head(name))}
            for name in ("main", "develop")
        },
        "logs": names.logs,
        "tags": [(name, text(sha)) for name, sha in forge.tags()],
        "pulls": [_number(text(str(book.pull(number)))) for number in numbers],
        "issues": [_number(text(str(book.issue(number)))) for number in numbers],
        "comments": [[_number(text(body)) for body in book.comments(number)] for number in numbers],
        "environments": {name: _place(target, name, text) for name in (STAGING, PRODUCTION)},
        "deployments": sorted(
            text(
                f"{entry.environment} {entry.release} {entry.previous_release} {entry.status} {entry.schema_after}"
            )
            for entry in ledger.deployments()
        ),
        "quarantine": sorted(text(f"{entry.sha} {entry.revert_sha}") for entry in ledger.quarantined()),
        "incidents": len(ledger.incidents()),
        "told": [told.subject for told in kept["notifier"].messages],
        "failed effects": [
            link.event.data["effect"] for link in links if link.event.kind is EventKind.EFFECT_FAILED
        ],
        "messages": [
            _number(text(f"{told.to} {told.subject} {told.body}")) for told in kept["notifier"].messages
        ],
        "twice": sorted(map(text, twice(Counter(map(ast.literal_eval, _lines(folder / "effects")))))),
        "effects": Counter(text(ast.literal_eval(line)) for line in _lines(folder / "effects")),
        "events": Counter(
            text(f"{link.event.kind.value} {link.event.stage}/{link.event.attempt} {link.event.key}")
            for link in links
            if link.event.kind not in _BY_TIME
        ),
        "workspaces": sorted(path.name for path in (folder / "home" / "workspaces").glob("*")),
        "branches": sorted(path.name for path in (folder / "home/repository.git/refs/heads").rglob("*")),
        "chain broken at": verify_chain(links),
    }
    # Last, because to ask is to take.
    found["leases"] = {name: ledger.lease(name, "somebody") is not None for name in LEASES}
    return found


def _place(target: FakeTarget, name: str, text: Callable[[str], str]) -> list[Any]:
    place = target.places[name]
    seen: list[Any] = [text(place.active), text(place.workers), place.schema]
    return [*seen, sorted(map(text, place.running)), sorted(map(text, place.built))]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _number(text: str) -> str:
    return _SPAN.sub("N s", _NUMBER.sub("N", _JUDGEMENT.sub("judged", text)))
