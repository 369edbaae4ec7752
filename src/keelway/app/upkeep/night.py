"""Look after the store once a night by itself, whichever control plane is awake."""

from __future__ import annotations

import logging
from datetime import datetime

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.upkeep.vacuum import Vacuumed, me, vacuum
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError, RequestRefused
from keelway.ports.engine import Runtime

POLL_SECONDS = 300.0
NIGHT_HOUR = 3
"""Local hour in which it is done when somebody is awake."""
PAUSE_HOURS, OVERDUE_HOURS = 20, 36
"""It is never done twice within the first, and by day when the second has passed."""

_log = logging.getLogger("keelway.upkeep")


def due(last: datetime, now: datetime) -> bool:
    """Tell whether it is time: at night when a day has passed, at any hour when a night was slept through."""
    hours = (now - last).total_seconds() / 3_600
    return hours >= OVERDUE_HOURS or (hours >= PAUSE_HOURS and now.astimezone().hour == NIGHT_HOUR)


class Night(Rounds):
    """Ask every few minutes whether it is time; a failing night is logged and tried again in the next."""

    def __init__(
        self, config: Config, home: Home, runtime: Runtime, poll_seconds: float = POLL_SECONDS
    ) -> None:
        super().__init__(
            self.look, poll_seconds, _log, name="upkeep", failed="Looking after the store failed."
        )
        self._config, self._home, self._runtime = config, home, runtime

    def look(self) -> Vacuumed | None:
        """Do it when it is time and nobody else does; return what was done."""
        try:
            done = vacuum(
                self._config, self._home, self._runtime.forget, _log.debug, by=me("the night"), due=due
            )
        except RequestRefused:
            return None
        except KeelwayError as error:
            _log.warning("The store could not be looked after: %s", error)
            return None
        if done is not None:
            _log.info("The store was looked after: %s.", done.removed)
        return done
