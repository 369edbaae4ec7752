"""Who plays in the stories: every stage by name, made runnable by the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from keelway.core.codec import from_json, to_json
from keelway.core.model.role import ROLE_OF, Role, Stage
from keelway.ports.engine import Engine, Queue, StageRun
from keelway.routines import manual, unwind, watching
from keelway.routines.back import branch, drift, drill
from keelway.routines.context import Context, Scene
from keelway.routines.outcome import Envelope, envelope_of
from keelway.stages import development, intake, planning, promotion, report, review, staging

MakeContext = Callable[[Engine, Scene], Context]

ROLLBACK_QUEUE, WATCH_QUEUE = "rollback", "watch"


@dataclass(frozen=True)
class Part:
    """Bind a stage's verb to its name and its queue."""

    name: str
    verb: Callable[[Context, Any], Any]
    queue: str
    has_task: bool = True


PARTS: tuple[Part, ...] = (
    Part("intake", intake.admit, ROLE_OF[Stage.INTAKE]),
    Part("planning", planning.agree, ROLE_OF[Stage.PLANNING]),
    Part("development", development.build, ROLE_OF[Stage.DEVELOPMENT]),
    Part("review", review.land, ROLE_OF[Stage.REVIEW]),
    Part("staging", staging.rehearse, ROLE_OF[Stage.STAGING]),
    Part("production", promotion.ship, ROLE_OF[Stage.PRODUCTION]),
    Part("report", report.close, ROLE_OF[Stage.REPORT]),
    Part("unwind", unwind.undo, ROLLBACK_QUEUE),
    Part("rollback", unwind.roll_back, ROLLBACK_QUEUE, has_task=False),
    Part("deploy", manual.deploy_by_hand, ROLE_OF[Stage.STAGING], has_task=False),
    Part("watch", watching.look, WATCH_QUEUE),
    Part("drill", drill.drill, ROLE_OF[Stage.STAGING], has_task=False),
    Part("drift", drift.settle_drift, ROLE_OF[Stage.STAGING], has_task=False),
    Part("branch", branch.prepare_branch, ROLE_OF[Stage.REVIEW], has_task=False),
    Part("land", branch.land_branch, ROLE_OF[Stage.REVIEW], has_task=False),
)

PART_OF = {part.verb: part for part in PARTS}

QUEUES: tuple[Queue, ...] = (
    Queue("plan", 2),
    Queue("dev", 2),
    Queue("review", 2),
    Queue("ops", 2),
    Queue(WATCH_QUEUE, 2),
    Queue(ROLLBACK_QUEUE),  # a way back never waits in a queue
)

PORTABLE = frozenset({"planning", "development"})
"""Parts that need no process, port or repository of one host: any worker of their role may run them."""

BOUND = frozenset({queue.name for queue in QUEUES} - {part.queue for part in PARTS if part.name in PORTABLE})
"""Queues of which every part acts on the releases or the protected branches."""


def queue_at(place: str, queue: str, stage: str) -> str:
    """Return the queue of a part in an installation whose releases and repository are at a place."""
    if stage in PORTABLE:
        return queue
    return f"{queue if queue in BOUND else Role.OPS.value}@{place}"


def queues_at(place: str) -> tuple[Queue, ...]:
    """Return the queues of an installation of many workers: those of everybody, and those of the place."""
    roaming = tuple(queue for queue in QUEUES if queue.name not in BOUND)
    bound = tuple(Queue(f"{queue.name}@{place}", queue.concurrency_max) for queue in QUEUES)
    return (*roaming, *(queue for queue in bound if queue.name.partition("@")[0] in BOUND))


def stage_runs(make_context: MakeContext) -> dict[str, StageRun]:
    """Make every part runnable: JSON in, envelope out; an unforeseen error is a failure, never a pass."""
    return {part.name: _run_of(part, make_context) for part in PARTS}


def _run_of(part: Part, make_context: MakeContext) -> StageRun:
    hints = get_type_hints(part.verb)
    kind: Any = next(hint for name, hint in hints.items() if name not in {"ctx", "return"})

    def run(engine: Engine, payload: Any) -> Any:
        scene = Scene(payload["subject"], part.name, payload["entry"], has_task=part.has_task)
        ctx = make_context(engine, scene)
        try:
            ctx.enter()
            value = part.verb(ctx, from_json(kind, payload["value"]))
        except Exception as end:  # noqa: BLE001 - every end of a stage crosses the engine as an envelope
            envelope = envelope_of(end)
        else:
            envelope = Envelope("passed", to_json(value))
        ctx.left(envelope.kind, envelope.code, envelope.message)
        return to_json(envelope)

    return run
