"""Watch stories and stages from outside: bind their ids, log how they end, and open a span for each stage and effect.

The stages know nothing of it: the engine that they are handed tells what they do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, cast

from keelway.ports.engine import Conductor, Engine, StageRun, Story
from keelway.telemetry.bound import bound
from keelway.telemetry.spans import StageSpan

ORDERS = frozenset({"rollback", "deploy", "drill", "drift", "branch", "land"})
"""Stages whose subject is an order and no task."""

_log = logging.getLogger("keelway.work")


def watched_stories(stories: dict[str, Story]) -> dict[str, Story]:
    """Return stories that log under the ids of their task and run."""
    return {name: _story(name, story) for name, story in stories.items()}


def watched_stages(stages: dict[str, StageRun]) -> dict[str, StageRun]:
    """Return stages that log under their ids, and whose runs and effects leave spans."""
    return {name: _stage(name, stage) for name, stage in stages.items()}


def _story(name: str, story: Story) -> Story:
    async def tell(conductor: Conductor, payload: Any) -> Any:
        with bound(story=name, run=conductor.id, task=task_of(payload)):
            _log.debug("story %s begins or goes on", name)
            try:
                result = await story(conductor, payload)
            except Exception as error:
                _log.exception("story %s ended with %s", name, type(error).__name__)
                raise
            _log.info("story %s has ended", name)
            return result

    return tell


def _stage(name: str, stage: StageRun) -> StageRun:
    def run(engine: Engine, payload: Any) -> Any:
        subject, attempt = str(payload["subject"]), str(payload["entry"])
        run_id = str(getattr(engine, "id", "") or f"{subject}/{name}/{attempt}")
        ids = {"order": subject, "task": task_of(payload["value"])} if name in ORDERS else {"task": subject}
        with bound(**ids, run=run_id, stage=name, attempt=attempt):
            span = StageSpan(
                f"stage {name}", subject, {"stage": name, "attempt": int(attempt), "run": run_id}
            )
            began = time.monotonic()
            try:
                envelope = stage(cast("Engine", _Watching(engine, span)), payload)
            except BaseException as end:
                _left(name, span, end, time.monotonic() - began)
                raise
            _ended(name, span, envelope, time.monotonic() - began)
            return envelope

    return run


def _left(name: str, span: StageSpan, end: BaseException, seconds: float) -> None:
    """Tell of a stage that did not end by itself: the engine stops, or the run was cancelled."""
    kind = type(end).__name__
    if isinstance(end, Exception):
        _log.error("stage %s ended with %s", name, kind, exc_info=end)
        span.end("failed", kind)
    else:
        _log.info("stage %s is left after %.1f s: %s", name, seconds, kind)
        span.end("left")


def _ended(name: str, span: StageSpan, envelope: Any, seconds: float) -> None:
    said = envelope if isinstance(envelope, dict) else {}
    outcome, code = str(said.get("kind", "")), str(said.get("code", ""))
    failed = outcome not in {"passed", "held", "waiting"}
    level = logging.WARNING if failed else logging.INFO
    why = f" ({code}: {said.get('message', '')})" if code else ""
    _log.log(level, "stage %s %s after %.1f s%s", name, outcome, seconds, why)
    span.end(outcome, code or outcome if outcome == "failed" else "")


class _Watching:
    """Pass every verb on to an engine, and look at the effects.

    A step is an effect when it asks for the fence: that is done right before every outside effect, and only then.
    """

    def __init__(self, inner: Engine, span: StageSpan) -> None:
        self._inner: Any = inner
        self._span = span
        self._began_ns: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def step(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run an effect once and return its recorded result; a replay runs nothing, so it leaves no span."""
        return self._inner.step(name, lambda: self._looked_at(name, effect))

    def fence(self) -> None:
        """Note that the step under way is an effect, and ask the engine."""
        self._began_ns = time.time_ns()
        self._inner.fence()

    def _looked_at(self, name: str, effect: Callable[[], Any]) -> Any:
        self._began_ns = None
        try:
            plain = effect()
        except BaseException as error:
            self._tell(name, type(error).__name__)
            raise
        said = plain.get("error") if isinstance(plain, dict) else None
        self._tell(name, str(said.get("code", "error")) if isinstance(said, dict) else "")
        return plain

    def _tell(self, name: str, fault: str) -> None:
        began_ns, self._began_ns = self._began_ns, None
        if began_ns is None:
            return
        seconds = (time.time_ns() - began_ns) / 1e9
        level = logging.WARNING if fault else logging.INFO
        _log.log(level, "effect %s %s after %.2f s", name, fault or "done", seconds)
        self._span.effect(f"effect {name}", began_ns, {"effect": name}, fault)


def task_of(payload: Any) -> str:
    """Return the id of the task that a story is about, empty when it is about none."""
    if not isinstance(payload, dict):
        return ""
    task = payload.get("task")
    if isinstance(task, dict):
        return str(task.get("id", ""))
    return str(payload.get("id", "")) if "request" in payload else ""
