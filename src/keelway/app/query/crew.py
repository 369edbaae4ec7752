"""Who works on the store, as the store itself has heard of them."""

from __future__ import annotations

from keelway.app.config import Config
from keelway.app.crew.seat import many_workers
from keelway.app.home import Home
from keelway.app.view.system import WorkerView
from keelway.core.errors import KeelwayError
from keelway.store.roster import open_roster

PATIENCE_SECONDS = 2.0
GONE_SHOWN = 5


def workers_of(config: Config, home: Home) -> tuple[WorkerView, ...]:
    """Return the workers that live or were silent, then the latest that died; none with a store for one process."""
    if not many_workers(home):
        return ()
    roster = open_roster(home.database_url, PATIENCE_SECONDS)
    try:
        seen = roster.workers()
    except KeelwayError:
        return ()  # what else is known is worth showing without them
    finally:
        roster.close()
    lease_seconds = config.file.worker.lease_seconds
    views = [
        WorkerView(
            each.worker.id,
            each.worker.host,
            each.worker.roles,
            each.state(lease_seconds),
            each.heard_at,
            round(each.silent_seconds, 1),
            hub=bool(each.worker.place),
        )
        for each in seen
    ]
    dead = [view for view in views if view.state == "dead"][-GONE_SHOWN:]
    return (*[view for view in views if view.state in {"alive", "silent"}], *dead)
