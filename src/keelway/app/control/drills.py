"""Drills by the clock: each stretch of time begins one, as recipes do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from keelway.app.commands import Commands
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.task import SYSTEM
from keelway.core.release.drill import slot_of
from keelway.core.words.text import line

ROUND_SECONDS = 60.0

_log = logging.getLogger("keelway.drill")


class DrillClock(Rounds):
    """Begin drills that are due in a thread of its own; a freeze puts them off."""

    def __init__(
        self,
        commands: Commands,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        super().__init__(
            self.look, round_seconds, _log, name="drills", failed="A round of the drills failed."
        )
        self._commands, self._now = commands, now

    def start(self) -> None:
        """Begin, when drills have a clock."""
        if self._commands.app.config.file.drill.every_hours > 0:
            super().start()

    def look(self) -> str:
        """Begin the drill of the present stretch of time; return what happened, empty when none is due."""
        app, section = self._commands.app, self._commands.app.config.file.drill
        slot = slot_of(section.environment, section.every_hours, self._now())
        if (
            not slot
            or self._stop.is_set()
            or app.ledger.freeze().active
            or app.ledger.effect(slot) is not None
        ):
            return ""
        said = self._begun(section.environment, tuple(section.parts))
        data = {"effect": "drill", "environment": section.environment, "outcome": said}
        app.ledger.record(Event(EventKind.EFFECT_DONE, self._now(), data=data, key=slot))
        return said

    def _begun(self, environment: str, parts: tuple[str, ...]) -> str:
        try:
            return self._commands.back.drill(environment, SYSTEM, parts).run
        except KeelwayError as error:
            _log.warning("No drill began on %s: %s", environment, error)
            return line(error.message, 500)
