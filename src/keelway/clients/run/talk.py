"""The shape of a conversation with a started program, whatever it speaks."""

from __future__ import annotations

import asyncio
from typing import Protocol

from keelway.clients.run.transcript import Transcript
from keelway.clients.run.turn import Broken, End, Order, Spent


class Account(Protocol):
    """Tell what a turn has amounted to so far."""

    permissions_refused: int

    @property
    def tool_calls(self) -> int:
        """Return how many tools the agent has called."""
        ...

    @property
    def tokens(self) -> int:
        """Return the tokens that the agent reports, at least."""
        ...

    @property
    def cost_usd(self) -> float:
        """Return the cost that the agent reports."""
        ...

    @property
    def spent(self) -> Spent:
        """Return the consumption that the agent reports."""
        ...

    @property
    def text(self) -> str:
        """Return the agent's last words."""
        ...


class Talk(Protocol):
    """Hold one conversation with one process."""

    agent: str
    version: str

    @property
    def account(self) -> Account:
        """Return what the turn has amounted to."""
        ...

    @property
    def last_at(self) -> float:
        """Return the monotonic time of the latest sign of life."""
        ...

    @property
    def fault(self) -> Broken | None:
        """Return why nothing more is read, when the program broke a bound."""
        ...

    @property
    def strange(self) -> bool:
        """Tell whether something was received and none of it could be understood."""
        ...

    @property
    def leaves(self) -> bool:
        """Tell whether the program ends by itself after one turn."""
        ...

    async def greet(self) -> None:
        """Find out who is there.

        Raises:
            Broken: nobody that we can speak with.
        """
        ...

    async def work(self, cwd: str, prompt: str) -> End:
        """Let the program carry out one turn and return why it ended.

        Raises:
            Broken: it ended for a reason that only its output or its exit code tells.
        """
        ...

    async def cancel(self) -> None:
        """Ask the program to stop."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


class Tongue(Protocol):
    """Begin a conversation; one tongue per kind of program."""

    def __call__(
        self, process: asyncio.subprocess.Process, transcript: Transcript, order: Order, home: str
    ) -> Talk:
        """Return the conversation with a process that was just started; ``home`` is its private folder."""
        ...
