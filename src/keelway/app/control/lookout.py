"""Start daemons again that died: an application whose front is gone answers nobody."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from keelway.app.bootstrap import App
from keelway.app.target.dispatch import Keeping
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind

INTERVAL_SECONDS = 2.0
"""How long a dead front stays unnoticed at most; one look costs a few milliseconds."""

_log = logging.getLogger(__name__)


class Lookout(Rounds):
    """Look after the daemons of a target in a thread of its own, as long as the control plane lives."""

    def __init__(self, app: App, interval_seconds: float = INTERVAL_SECONDS) -> None:
        super().__init__(
            self.look, interval_seconds, _log, name="lookout", failed="A look after the daemons failed."
        )
        self._app = app
        self._failed = ""

    def start(self) -> None:
        """Begin, when the target keeps daemons here."""
        if isinstance(self._app.doors.target, Keeping):
            super().start()

    def look(self) -> tuple[str, ...]:
        """Start what does not answer, record it, and name it; a failure is logged once and tried again."""
        target = self._app.doors.target
        if not isinstance(target, Keeping):
            return ()
        try:
            started = target.ensure()
            for name in started:
                _log.warning("The %s had died and was started again.", name)
                event = Event(EventKind.DAEMON_STARTED, datetime.now(UTC), data={"daemon": name})
                self._app.ledger.record(event)
        except KeelwayError as error:
            if error.message != self._failed:
                _log.error("A daemon that died could not be started again: %s", error)
            self._failed = error.message
            return ()
        self._failed = ""
        return started
