"""Tell the owner of figures that are out of their bounds, each once a day."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from keelway.app.bootstrap import App
from keelway.app.view.figures import alerts_of
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import Actor
from keelway.core.words.text import outgoing
from keelway.ports.channel import Message

INTERVAL_SECONDS = 60.0
DEPLOYMENTS_MAX = 1_000

_log = logging.getLogger(__name__)


class Alarm(Rounds):
    """Look at the figures in a thread of its own, as long as the control plane lives."""

    def __init__(self, app: App, interval_seconds: float = INTERVAL_SECONDS) -> None:
        super().__init__(
            self.look, interval_seconds, _log, name="alarm", failed="A look at the figures failed."
        )
        self._app = app
        self._told: set[str] = set()

    def look(self) -> tuple[str, ...]:
        """Tell what was not told today, and name it; what cannot be delivered is tried again at the next look."""
        now, app = datetime.now(UTC), self._app
        told = []
        for alert in alerts_of(app.ledger.deployments(limit=DEPLOYMENTS_MAX), app.config.policy.alert, now):
            key = f"alarm:{alert.code}:{now:%Y-%m-%d}"
            if key in self._told:
                continue
            owner = Actor(app.config.project.owner)
            message = Message(str(owner), "Figures of delivery", outgoing(alert.message), urgent=True)
            try:
                app.doors.notifier.tell(message, key=key)
            except KeelwayError as error:
                _log.warning("An alarm could not be delivered: %s", error)
                continue
            data = {"to": str(owner), "subject": message.subject, "code": alert.code}
            app.ledger.record(Event(EventKind.PERSON_TOLD, now, data=data, key=key))
            self._told.add(key)
            told.append(alert.code)
        return tuple(told)
