"""A person's lock on an environment: no deployment begins there; a way back is never kept out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from keelway.core.codec import from_json, to_json

_BEFORE = "lock:"
TEXT_CHARS_MAX = 500


@dataclass(frozen=True)
class Lock:
    """Say who keeps deployments out of an environment, and why."""

    environment: str
    by: str
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """When it ends by itself; ``None`` for not before somebody lifts it."""

    def holds(self, now: datetime) -> bool:
        """Tell whether it still keeps anybody out."""
        return self.until is None or now < self.until

    @property
    def sentence(self) -> str:
        """Return it in words, with what lifts it."""
        since = f" since {_instant(self.since)}" if self.since else ""
        until = f" until {_instant(self.until)}" if self.until else ""
        why = f": {self.reason}" if self.reason else ""
        by = self.by or "an unknown person"
        lift = f"keelway unlock {self.environment}"
        return f"{self.environment} is locked by {by}{since}{until}{why}. Lift it: {lift}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def lease_name(environment: str) -> str:
    """Return the name under which the lock of an environment is kept among the leases."""
    return f"{_BEFORE}{environment}"


def is_lock(name: str) -> bool:
    """Tell whether the name of a lease is that of a lock."""
    return name.startswith(_BEFORE)


def write_lock(lock: Lock) -> str:
    """Return a lock as the text that is kept."""
    return json.dumps(to_json(lock), sort_keys=True)


def read_lock(environment: str, kept: str) -> Lock | None:
    """Return the lock that a kept text means, ``None`` for an empty one; what cannot be read still locks."""
    if not kept:
        return None
    try:
        return from_json(Lock, json.loads(kept))
    except Exception:  # noqa: BLE001 - a text of any other version: fail closed
        return Lock(environment, "", "the record of the lock cannot be read")
