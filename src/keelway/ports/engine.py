"""Durability in a few verbs: what has been done once is not done again after a crash.

A *stage* runs synchronously and uses ``Engine``. A *story* waits for people and for days; it
is asynchronous and uses ``Conductor``. Everything that crosses these doors is plain JSON.
Steps are repeated when the process dies before their result is recorded, so every effect
must be safe to repeat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


class Engine(Protocol):
    """Serve one run of a stage."""

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run an effect once, record its JSON result and return it; replay returns the record."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait durably: the instant of waking survives a restart."""
        ...

    def now(self) -> datetime:
        """Read the clock as a recorded step."""
        ...

    def wall(self) -> datetime:
        """Read the clock without recording it; only inside the effect of a step."""
        ...

    def fence(self) -> None:
        """Raise, past everything that a stage catches, unless this process may still act outside.

        It is asked right before every outside effect, inside the effect of a step.
        """
        ...

    def patch(self, name: str) -> bool:
        """Tell whether a run takes the new way at a changed place: not when its record already went the old one."""
        ...

    def deprecate_patch(self, name: str) -> None:
        """Pass a mark that ``patch`` left, once no unfinished run needs the old way any more."""
        ...


class Conductor(Protocol):
    """Serve one run of a story."""

    @property
    def id(self) -> str:
        """Return the id of this run."""
        ...

    async def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run a short effect once and record its JSON result."""
        ...

    async def call(self, queue: str, stage: str, key: str, payload: Any) -> Any:
        """Run a stage as a child on a queue and return its JSON result; ``key`` names the child."""
        ...

    async def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait durably for a message, ``None`` when the time is over."""
        ...

    async def start(self, story: str, run: str, payload: Any, delay_seconds: float) -> None:
        """Start another story later, once per ``run`` id; it costs nothing while it waits."""
        ...

    async def now(self) -> datetime:
        """Read the clock as a recorded step."""
        ...

    async def patch(self, name: str) -> bool:
        """Tell whether a run takes the new way at a changed place: not when its record already went the old one."""
        ...

    async def deprecate_patch(self, name: str) -> None:
        """Pass a mark that ``patch`` left, once no unfinished run needs the old way any more."""
        ...


Story = Callable[[Conductor, Any], Awaitable[Any]]
"""A durable story: JSON in, JSON out."""

StageRun = Callable[[Engine, Any], Any]
"""A stage as the engine sees it: JSON in, JSON out."""


@dataclass(frozen=True)
class Queue:
    """Describe a queue of child runs; nothing on a limited queue may wait for a person."""

    name: str
    concurrency_max: int | None = None


class Runtime(Protocol):
    """Run stories: what the application sees of an engine."""

    def launch(
        self, stories: dict[str, Story], stages: dict[str, StageRun], queues: tuple[Queue, ...]
    ) -> None:
        """Begin to work, first of all on what an earlier process left unfinished.

        Raises:
            YourFault: another process already works on the same data.
        """
        ...

    def start(self, story: str, run: str, payload: Any, *, delay_seconds: float = 0.0) -> None:
        """Start a story under a unique id; a second start of the same id does nothing."""
        ...

    def send(self, run: str, topic: str, message: Any) -> None:
        """Wake a story that waits on a topic; sending to a story that has ended does nothing."""
        ...

    def cancel(self, run: str) -> None:
        """Stop a story and its children at their next step, even while it waits."""
        ...

    def status(self, run: str) -> str:
        """Return ``absent``, ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
        ...

    def result(self, run: str) -> Any:
        """Return what a finished story returned, ``None`` as long as there is nothing."""
        ...

    def failure(self, run: str) -> str:
        """Return why a run failed, in one line, or an empty text."""
        ...

    def forget(self, before: datetime, keep: Collection[str] = ()) -> int:
        """Delete stories that ended before an instant, with their stages, and count them; those named stay."""
        ...

    def close(self) -> None:
        """Stop working; unfinished runs are taken up by the next launch."""
        ...
