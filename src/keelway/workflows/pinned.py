"""Keep the parts that act on one host's processes and repository on that host, whoever tells the story."""

from __future__ import annotations

from typing import Any, cast

from keelway.ports.engine import Conductor, Story
from keelway.workflows.cast import queue_at


class _Pinned:
    """Call the parts of a story where they belong; everything else is the conductor's own."""

    def __init__(self, conductor: Conductor, place: str) -> None:
        self._conductor = conductor
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conductor, name)

    async def call(self, queue: str, stage: str, key: str, payload: Any) -> Any:
        """Run a stage as a child on the queue of its place."""
        return await self._conductor.call(queue_at(self._place, queue, stage), stage, key, payload)


def pinned(story: Story, place: str) -> Story:
    """Return a story whose host-bound parts run at a place."""

    async def _told(conductor: Conductor, payload: Any) -> Any:
        return await story(cast("Conductor", _Pinned(conductor, place)), payload)

    return _told
