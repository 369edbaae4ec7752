"""Count and delete the engine's records of ended stories without an engine that runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from keelway.app.home import Home
from keelway.app.upkeep.vacuum import Forget


def count_ended(home: Home) -> Forget:
    """Return what counts the stories that would be deleted."""

    def count(before: datetime, keep: Collection[str]) -> int:
        from keelway.engine import outside

        return outside.ended(home.database_url, before, keep)

    return count


def forget_ended(home: Home) -> Forget:
    """Return what deletes them; it may run beside a control plane."""

    def forget(before: datetime, keep: Collection[str]) -> int:
        from keelway.engine import outside

        return outside.forget(home.database_url, before, keep)

    return forget
