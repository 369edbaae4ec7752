"""Describe how a life in memory ended, so that two lives can be compared."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from tests.crash.life import Life

from keelway.core.model.event import Event, EventKind, verify_chain
from keelway.core.model.project import PRODUCTION, STAGING

LEASES = ("lane:fake", STAGING, PRODUCTION)
_MADE_BY_A_START = frozenset({EventKind.POLICY_LOADED})
_ULID = re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b")


def picture(life: Life) -> dict[str, Any]:
    """Return everything that must not depend on where a life was interrupted.

    Times are part of it: virtual time goes on where it was, so a life that is taken up
    again does everything at the same instants.
    """
    ledger, forge = life.ledger, life.forge
    links = ledger.events(limit=100_000)
    events = [link.event for link in links if link.event.kind not in _MADE_BY_A_START]
    seen = {
        "task": asdict(replace(ledger.find(life.task), updated_at=None)),
        "runs": sorted((run.name, run.status) for run in life.journal.runs.values()),
        "trees": {name: life.tree(name) for name in ("main", "develop")},
        "messages of commits": [
            [forge.history[sha].message for sha in forge.history.ancestors(forge.head(name))]
            for name in ("main", "develop")
        ],
        "branches": dict(forge.branches_at),
        "tags": forge.tags(),
        "pulls": forge.book._pulls,
        "issues": forge.book._issues,
        "comments": forge.book._comments,
        "checks": forge.book._checks,
        "environments": {name: _place(life, name) for name in (STAGING, PRODUCTION)},
        "backups": sorted(life.backup.taken),
        "rows": life.backup.data,
        "deployments": ledger.deployments(),
        "quarantine": ledger.quarantined(),
        "incidents": ledger.incidents(),
        "usage": ledger.usage(by=("task", "role", "agent")),
        "artefacts": sorted({each["name"] for each in ledger.artefacts(life.task)}),
        "questions": ledger.questions(open_only=False),
        "messages": life.notifier.messages,
        "effects": life.effects,
        "events": Counter(_told(event) for event in events),
        "workspaces": life.sandbox._open,
        "chain broken at": verify_chain(links),
    }
    # Last, because to ask is to take.
    seen["leases"] = {name: ledger.lease(name, "somebody") is not None for name in LEASES}
    return seen


def differences(expected: dict[str, Any], seen: dict[str, Any]) -> dict[str, str]:
    """Return what is not as expected, by name."""
    return {
        name: _difference(expected.get(name), seen.get(name))
        for name in [*expected, *(seen.keys() - expected.keys())]
        if _plain(expected.get(name)) != _plain(seen.get(name))
    }


def _difference(expected: Any, seen: Any) -> str:
    if isinstance(expected, Counter) and isinstance(seen, Counter):
        return f"too often: {dict(seen - expected)}; missing: {dict(expected - seen)}"[:1_500]
    return f"expected {_plain(expected)}, found {_plain(seen)}"[:1_500]


def _plain(value: Any) -> Any:
    return value if isinstance(value, Counter) else _ULID.sub("ULID", repr(value))


def _place(life: Life, name: str) -> Any:
    place = life.target.places[name]
    return (
        place.active,
        place.weights,
        place.workers,
        place.schema,
        sorted(place.running),
        sorted(place.built),
    )


def _told(event: Event) -> str:
    data = {name: value for name, value in event.data.items() if name != "epoch"}
    return _ULID.sub("ULID", f"{event.kind.value} {event.stage}/{event.attempt} {event.key} {data}")[:400]
