"""Describe the end of a life in memory for the judgement."""

from __future__ import annotations

from typing import Any

from tests.crash.fault.judge import End
from tests.crash.life import Life
from tests.crash.picture import LEASES

from keelway.core.model.event import EventKind, verify_chain
from keelway.core.model.project import PRODUCTION, STAGING


def outside(life: Life) -> dict[str, Any]:
    """Return what a task that does not get through has to leave behind as it found it."""
    places = {name: life.target.places[name] for name in (STAGING, PRODUCTION)}
    return {
        "trees": {name: life.tree(name) for name in ("main", "develop")},
        "tags": life.forge.tags(),
        # Without the schema: one that the release before fits may stay.
        "environments": {name: (at.active, at.weights, at.workers) for name, at in places.items()},
    }


def end_of(life: Life) -> End:
    """Describe how a life ended."""
    row = life.ledger.find(life.task)
    links = life.ledger.events(limit=100_000)
    failed = [link.event.data["effect"] for link in links if link.event.kind is EventKind.EFFECT_FAILED]
    return End(
        row.status.value,
        row.code,
        outside(life),
        [message.subject for message in life.notifier.messages],
        life.effects,
        failed,
        all(entry.revert_sha for entry in life.ledger.quarantined()),
        sorted(life.sandbox._open),
        all(life.ledger.lease(name, "somebody") for name in LEASES),
        {run.status for run in life.journal.runs.values()} == {"done"},
        verify_chain(links) is None,
    )
