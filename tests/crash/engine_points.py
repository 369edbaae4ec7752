"""Name the points inside the durable engine, so that a process can be killed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dbos import DBOS
from tests.crash.doors import Killer


def name_the_engine(killer: Killer) -> None:
    """Put a point before and after everything that stories and stages ask of DBOS.

    ``review-1/step.merge:done`` is the instant before the record of that step is written, ``:after`` the one after;
    ``story/wait.wake``, ``story/call.staging-1`` and ``story/start.watch-1`` are likewise.
    """

    def step(options: Any, effect: Callable[[], Any]) -> Any:
        place = f"step.{options['name']}"

        def done() -> Any:
            value = effect()
            killer.reach(place, place, "done")
            return value

        return _around(killer, place, lambda: plain_step(options, done))

    async def step_async(options: Any, effect: Callable[[], Any]) -> Any:
        return await _around_async(killer, f"step.{options['name']}", plain_step_async, options, effect)

    async def receive(topic: str, *words: Any) -> Any:
        return await _around_async(killer, f"wait.{topic}", plain_receive, topic, *words)

    async def call(options: Any, *words: Any) -> Any:
        child = options["workflow_id"].rpartition("/")[2]
        return await _around_async(killer, f"call.{child}", plain_call, options, *words)

    def start(options: Any, *words: Any) -> Any:
        run = options["workflow_id"].partition(":")[2] or "task"
        return _around(killer, f"start.{run}", lambda: plain_start(options, *words))

    plain_step, plain_step_async, plain_receive = DBOS.run_step, DBOS.run_step_async, DBOS.recv_async
    plain_call, plain_start = DBOS.enqueue_workflow_with_options_async, DBOS.enqueue_workflow_with_options
    fresh = {"run_step": step, "run_step_async": step_async, "recv_async": receive}
    fresh |= {"enqueue_workflow_with_options_async": call, "enqueue_workflow_with_options": start}
    for name, verb in fresh.items():
        setattr(DBOS, name, staticmethod(verb))


def _around(killer: Killer, place: str, verb: Callable[[], Any]) -> Any:
    killer.reach(place, place, "before")
    value = verb()
    killer.reach(place, place, "after")
    return value


async def _around_async(killer: Killer, place: str, verb: Callable[..., Any], *words: Any) -> Any:
    killer.reach(place, place, "before")
    value = await verb(*words)
    killer.reach(place, place, "after")
    return value
