"""Hold what a run may spend at the model gateway, and say when that has come to an end."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Protocol

from keelway.clients.gateway.values import Grant, Metered, Pass
from keelway.clients.run.turn import Broken, End, Spent
from keelway.core.errors import KeelwayError

_LOOK_SECONDS = 0.2
_REFUSALS = {
    "cost": (End.LIMIT_COST, "The run has spent what it may cost."),
    "tokens": (End.LIMIT_TOKENS, "The run has used the tokens that it may."),
    "day": (End.LIMIT_COST, "What may be spent today is spent."),
    "project": (End.LIMIT_COST, "What the project may spend is spent."),
    "revoked": (End.CANCELLED, "The run may not ask the model any more."),
}
_AT_ONCE = {
    "auth": (End.AUTH_ERROR, "The provider refused the key."),
    "silent": (End.LIMIT_SILENCE, "The model was silent for longer than the gateway waits."),
    "lost": (End.PROVIDER_ERROR, "The model gateway has ended."),
}
"""Failures that no repetition cures; programs repeat them for minutes."""
_LOST = "lost"
_AFTER_ALL = {"provider": (End.PROVIDER_ERROR, "The last request to the model failed.")}
_UNEXPLAINED = frozenset({End.COMPLETED, End.CRASHED, End.PROVIDER_ERROR, End.AUTH_ERROR, End.PROTOCOL_ERROR})
"""Ends of which the gateway may know the cause better than the program's own words."""


class Gate(Protocol):
    """Let runs reach a model, and count what they use: the model gateway."""

    def open(self, grant: Grant) -> Pass:
        """Return a pass for one run."""
        ...

    def look(self, token: str) -> Metered:
        """Return what a run has used so far."""
        ...

    def close(self, token: str) -> Metered:
        """Void a pass and return what was used in all."""
        ...

    def revoke(self, task: str) -> int:
        """Void every pass of a task at once; return how many there were."""
        ...


class Purse:
    """Follow the consumption of one run."""

    def __init__(self, gate: Gate, grant: Grant) -> None:
        self._gate = gate
        self.ticket = gate.open(grant)
        self._metered = Metered()
        self._looked_at = self._moved_at = time.monotonic()
        self._closed = False

    @property
    def moved_at(self) -> float:
        """Return the monotonic time at which the model was last seen to answer."""
        self._look()
        return self._moved_at

    def broken(self) -> Broken | None:
        """Return why the run has to end at once, if it has to."""
        self._look()
        found = _REFUSALS.get(self._metered.refused) or _AT_ONCE.get(self._metered.failure)
        return Broken(*found) if found else None

    def close(self) -> Spent:
        """Void the pass and return what was counted; closing twice does no harm."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(KeelwayError):  # a gateway that is gone has booked what it knew
                self._metered = self._gate.close(self.ticket.token)
        metered = self._metered
        return Spent(metered.input_tokens, metered.output_tokens, metered.cost_usd)

    def cause(self, stop: End) -> Broken | None:
        """Return the better reason for the end of a run, when the gateway knows one; after ``close``."""
        if stop not in _UNEXPLAINED:
            return None
        metered = self._metered
        found = _REFUSALS.get(metered.refused) or (_AT_ONCE | _AFTER_ALL).get(metered.failure)
        return Broken(*found) if found else None

    def _look(self) -> None:
        now = time.monotonic()
        if self._closed or now - self._looked_at < _LOOK_SECONDS:
            return
        before, self._looked_at = self._metered, now
        try:
            self._metered = self._gate.look(self.ticket.token)
        except KeelwayError:
            self._metered = replace(before, failure=_LOST)
        if self._metered.output_tokens != before.output_tokens:
            self._moved_at = now
