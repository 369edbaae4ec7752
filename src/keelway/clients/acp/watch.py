"""Hold a running turn to its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from keelway.clients.acp.account import Account
from keelway.clients.acp.turn import Broken, End, Limits
from keelway.clients.acp.wire import Wire

_TICK_SECONDS = 0.05
_LAST_WORDS_SECONDS = 1.0
"""How long output may still arrive after the started process has left: launchers may hand over."""


@dataclass
class Watch:
    """Look after one turn until it ends or has to be ended."""

    limits: Limits
    process: asyncio.subprocess.Process
    wire: Wire
    account: Account
    cancelled: Callable[[], bool]
    _started: float = field(default_factory=time.monotonic)
    _gone_at: float | None = None

    async def until(self, talk: asyncio.Task[End]) -> Broken | None:
        """Wait for the talk; return why it has to be ended, or None when it ended by itself."""
        while True:
            done, _ = await asyncio.wait({talk}, timeout=_TICK_SECONDS)
            reason = self.wire.fault
            if done or reason:
                return reason
            reason = self._overstepped()
            if reason:
                return reason

    def _overstepped(self) -> Broken | None:
        now = time.monotonic()
        if self.cancelled():
            return Broken(End.CANCELLED, "Cancelled.")
        if now - self._started > self.limits.wall_seconds:
            return Broken(End.LIMIT_WALL, f"Still at work after {self.limits.wall_seconds:g} seconds.")
        if now - max(self.wire.last_at, self._started) > self.limits.silence_seconds:
            return Broken(End.LIMIT_SILENCE, f"Silent for {self.limits.silence_seconds:g} seconds.")
        return self._overspent() or self._gone(now)

    def _overspent(self) -> Broken | None:
        limits, account = self.limits, self.account
        if len(account.calls) > limits.tool_calls_max:
            return Broken(End.LIMIT_TOOLS, f"More than {limits.tool_calls_max} tool calls.")
        if 0 < limits.tokens_max < account.tokens:
            return Broken(End.LIMIT_TOKENS, f"{account.tokens} tokens, more than {limits.tokens_max}.")
        if 0 < limits.cost_usd_max < account.cost_usd:
            return Broken(End.LIMIT_COST, f"{account.cost_usd:g} USD, more than {limits.cost_usd_max:g}.")
        return None

    def _gone(self, now: float) -> Broken | None:
        if self.process.returncode is None:
            return None
        self._gone_at = self._gone_at or now
        if now - max(self._gone_at, self.wire.last_at) < _LAST_WORDS_SECONDS:
            return None
        return Broken(End.CRASHED, "The agent left in the middle of its turn.")
