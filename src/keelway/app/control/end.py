"""End a control plane, and everything that it keeps running."""

from __future__ import annotations

import time

from keelway.app.desk import Place, running
from keelway.app.registry import load
from keelway.app.remote import Remote
from keelway.app.target.choose import make_target
from keelway.app.target.dispatch import Stoppable
from keelway.clients.shell import create_time, runs
from keelway.core.errors import TheirFault

END_SECONDS = 30.0
POLL_SECONDS = 0.1


def end_server(place: Place) -> int | None:
    """End the control plane and return its process id, ``None`` when none runs.

    Raises:
        TheirFault: it does not end in time.
    """
    server = running(place)
    if server is None:
        return None
    started_at = create_time(server.pid)
    Remote(server).down()
    end = time.monotonic() + END_SECONDS
    while runs(server.pid, started_at):
        if time.monotonic() > end:
            raise TheirFault(
                "not_ended", f"The control plane (pid {server.pid}) did not end.", f"kill {server.pid}"
            )
        time.sleep(POLL_SECONDS)
    return server.pid


def end_releases(place: Place, deadline_seconds: float = END_SECONDS) -> bool:
    """End every release, front and daemon; users get no answer any more. Tell whether there is such a thing.

    Raises:
        TheirFault: something could not be ended.
    """
    root = place.home.root
    if not root.is_dir():
        return False
    target = make_target(place.config, place.home, load("vault", "file")(str(root)))
    if not isinstance(target, Stoppable):
        return False
    target.stop_all(deadline_seconds)
    return True
