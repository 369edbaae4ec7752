"""Hold a running turn to its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from keelway.clients.run.purse import Purse
from keelway.clients.run.talk import Talk
from keelway.clients.run.turn import Broken, End, Limits

_TICK_SECONDS = 0.05
_LOOK_SECONDS = 1.0
"""How often the cage is asked, which may walk a whole folder."""
_LAST_WORDS_SECONDS = 1.0
"""How long output may still arrive after the started process has left: launchers may hand over."""


@dataclass
class Watch:
    """Look after one turn until it ends or has to be ended."""

    limits: Limits
    process: asyncio.subprocess.Process
    talk: Talk
    cancelled: Callable[[], bool]
    over: Callable[[], str]
    """Return which bound of the cage was passed; may take its time."""
    purse: Purse | None = None
    _look: asyncio.Task[str] | None = None
    _looked_at: float = field(default_factory=time.monotonic)
    _started: float = field(default_factory=time.monotonic)
    _gone_at: float | None = None

    async def until(self, work: asyncio.Task[End]) -> Broken | None:
        """Wait for the work; return why it has to be ended, or None when it ended by itself."""
        try:
            while True:
                done, _ = await asyncio.wait({work}, timeout=_TICK_SECONDS)
                reason = self.talk.fault
                if done or reason:
                    return reason
                reason = self._overstepped() or self._burst()
                if reason:
                    return reason
        finally:
            if self._look:
                await asyncio.wait({self._look})

    def _overstepped(self) -> Broken | None:
        now = time.monotonic()
        if self.cancelled():
            return Broken(End.CANCELLED, "Cancelled.")
        if now - self._started > self.limits.wall_seconds:
            return Broken(End.LIMIT_WALL, f"Still at work after {self.limits.wall_seconds:g} seconds.")
        if now - self._alive_at() > self.limits.silence_seconds:
            return Broken(End.LIMIT_SILENCE, f"Silent for {self.limits.silence_seconds:g} seconds.")
        return self._overspent() or self._gone(now)

    def _alive_at(self) -> float:
        """Return when the program or its model was last heard."""
        return max(self.talk.last_at, self._started, self.purse.moved_at if self.purse else 0.0)

    def _overspent(self) -> Broken | None:
        limits, account = self.limits, self.talk.account
        if account.tool_calls > limits.tool_calls_max:
            return Broken(End.LIMIT_TOOLS, f"More than {limits.tool_calls_max} tool calls.")
        if self.purse:  # what was counted is believed, what the program says is not
            return self.purse.broken()
        if 0 < limits.tokens_max < account.tokens:
            return Broken(End.LIMIT_TOKENS, f"{account.tokens} tokens, more than {limits.tokens_max}.")
        if 0 < limits.cost_usd_max < account.cost_usd:
            return Broken(End.LIMIT_COST, f"{account.cost_usd:g} USD, more than {limits.cost_usd_max:g}.")
        return None

    def _burst(self) -> Broken | None:
        """Ask the cage, beside the other limits, every second."""
        now = time.monotonic()
        if self._look and self._look.done():
            hit, self._look, self._looked_at = self._look.result(), None, now
            return Broken(End.LIMIT_RESOURCES, f"The run needs more {hit} than it may have.") if hit else None
        if self._look is None and now - self._looked_at > _LOOK_SECONDS:
            self._look = asyncio.create_task(asyncio.to_thread(self.over))
        return None

    def _gone(self, now: float) -> Broken | None:
        if self.process.returncode is None or self.talk.leaves:
            return None
        self._gone_at = self._gone_at or now
        if now - max(self._gone_at, self.talk.last_at) < _LAST_WORDS_SECONDS:
            return None
        return Broken(End.CRASHED, "The agent left in the middle of its turn.")
