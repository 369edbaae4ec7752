"""What acts on one host's releases and branches is called there, whoever tells the story."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keelway.engine.crew import listens, this_worker
from keelway.workflows.cast import PARTS, PORTABLE, queue_at, queues_at
from keelway.workflows.pinned import pinned

PLACE = "0123456789ab"


class Heard:
    """Be a conductor that only notes what is called."""

    id = "run"

    def __init__(self) -> None:
        self.called: list[tuple[str, str, str]] = []

    async def call(self, queue: str, stage: str, key: str, _payload: Any) -> Any:
        self.called.append((queue, stage, key))

    async def now(self) -> str:
        return "now"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_has_a_queue_that_the_hub_serves_and_only_roaming_ones_are_served_elsewhere(
    part: Any,
) -> None:
    names = {queue.name for queue in queues_at(PLACE)}
    queue = queue_at(PLACE, part.queue, part.name)
    assert queue in names
    assert listens(queue, this_worker(("all",), PLACE))
    assert listens(queue, this_worker(("all",))) is (part.name in PORTABLE)
    if part.name not in PORTABLE:
        assert listens(queue, this_worker(("review", "ops"), PLACE))


def test_a_story_says_the_queue_and_the_place_is_added() -> None:
    heard: Any = Heard()

    async def story(conductor: Any, payload: Any) -> Any:
        await conductor.call("dev", "development", "development-1", payload)
        await conductor.call("plan", "intake", "intake-1", payload)
        await conductor.call("rollback", "unwind", "unwind-1", payload)
        return conductor.id, await conductor.now()

    assert asyncio.run(pinned(story, PLACE)(heard, {})) == ("run", "now")
    assert heard.called == [
        ("dev", "development", "development-1"),
        (f"ops@{PLACE}", "intake", "intake-1"),
        (f"rollback@{PLACE}", "unwind", "unwind-1"),
    ]
