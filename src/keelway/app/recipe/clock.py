"""Recipes by the clock: each is tried once in its stretch of time, and a task is opened for a change only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from keelway.app.commands import Commands
from keelway.app.recipe.order import run_recipe, try_out
from keelway.clients.rounds import Rounds
from keelway.core.errors import KeelwayError
from keelway.core.model.event import Event, EventKind
from keelway.core.model.recipe import Recipe, complete, slot_of
from keelway.core.model.task import SYSTEM
from keelway.core.words.text import line

ROUND_SECONDS = 60.0

_log = logging.getLogger("keelway.recipes")


class RecipeClock(Rounds):
    """Try due recipes in a thread of its own; a task is opened only when one would change something."""

    def __init__(
        self,
        commands: Commands,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        super().__init__(
            self.look, round_seconds, _log, name="recipes", failed="A round of the recipes failed."
        )
        self._commands, self._now = commands, now

    def start(self) -> None:
        """Begin, when a recipe has a clock."""
        if any(recipe.every_hours > 0 for recipe in self._commands.app.config.project.recipes):
            super().start()

    def look(self) -> int:
        """Try what is due once in its stretch of time and return how many tasks were opened."""
        ledger, opened = self._commands.app.ledger, 0
        for recipe in map(complete, self._commands.app.config.project.recipes):
            slot = slot_of(recipe, self._now())
            if not slot or self._stop.is_set() or ledger.freeze().active or ledger.effect(slot) is not None:
                continue
            said = self._tried(recipe)
            opened += said.startswith("T-")
            data = {"effect": "recipe", "recipe": recipe.name, "outcome": said}
            ledger.record(Event(EventKind.EFFECT_DONE, self._now(), data=data, key=slot))
        return opened

    def _tried(self, recipe: Recipe) -> str:
        try:
            if not try_out(self._commands.app, recipe.name).files:
                return "nothing to do"
            return run_recipe(self._commands, recipe.name, SYSTEM, scheduled=True).task.name
        except KeelwayError as error:
            _log.warning("The recipe %s opened no task: %s", recipe.name, error)
            return line(error.message, 500)
