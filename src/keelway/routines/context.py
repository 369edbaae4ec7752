"""The one door for effects: freeze and abort are heeded, the audit trail written, the result durable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, get_type_hints

from keelway.core.codec import from_json, to_json
from keelway.core.errors import OurFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import Project
from keelway.core.model.verdict import Ruling, Verdict
from keelway.core.policy import Policy
from keelway.core.rule.freeze import judge_effect
from keelway.ports.agent import Agent
from keelway.ports.backup import BackupStore
from keelway.ports.channel import Notifier
from keelway.ports.ci import Ci
from keelway.ports.engine import Engine
from keelway.ports.forge import Forge
from keelway.ports.ledger import Ledger
from keelway.ports.probe import Probe
from keelway.ports.sandbox import Sandbox
from keelway.ports.signal import Signal
from keelway.ports.target import Target
from keelway.routines.outcome import Aborted
from keelway.routines.result import outcome_of, raise_error

P = ParamSpec("P")
T = TypeVar("T")

WAYS_BACK = frozenset({"unwind", "rollback"})
"""Runs that nothing may hold up."""

HOLD_POLL_SECONDS = 2.0
"""How often an effect that is held by a freeze or a pause looks again."""


@dataclass(frozen=True)
class Doors:
    """Hold the adapters that the configuration chose."""

    agent: Agent
    sandbox: Sandbox
    forge: Forge
    ci: Ci
    target: Target
    backup: BackupStore
    probe: Probe
    signal: Signal
    notifier: Notifier
    ledger: Ledger


@dataclass(frozen=True)
class Scene:
    """Say which run of which stage acts."""

    subject: str
    """Id of the task, or of the order when there is no task."""
    stage: str
    attempt: int
    has_task: bool = True


class Context:
    """Give a stage its doors, its policy and the engine, and nothing else."""

    def __init__(self, engine: Engine, doors: Doors, project: Project, policy: Policy, scene: Scene) -> None:
        self.engine, self.doors, self.project, self.policy, self.scene = engine, doors, project, policy, scene
        self.recovering = False
        """True once a way back has begun: it finishes, whatever is frozen, paused or aborted."""
        self._verdicts = 0

    @property
    def agent(self) -> Agent:
        """Return the coding agent."""
        return self.doors.agent

    @property
    def sandbox(self) -> Sandbox:
        """Return the keeper of workspaces."""
        return self.doors.sandbox

    @property
    def forge(self) -> Forge:
        """Return the forge."""
        return self.doors.forge

    @property
    def ci(self) -> Ci:
        """Return the checks."""
        return self.doors.ci

    @property
    def target(self) -> Target:
        """Return the place where releases run."""
        return self.doors.target

    @property
    def backup(self) -> BackupStore:
        """Return the keeper of backups."""
        return self.doors.backup

    @property
    def probe(self) -> Probe:
        """Return the asker of health questions."""
        return self.doors.probe

    @property
    def signal(self) -> Signal:
        """Return the reader of numbers."""
        return self.doors.signal

    @property
    def notifier(self) -> Notifier:
        """Return the channel to people."""
        return self.doors.notifier

    @property
    def ledger(self) -> Ledger:
        """Return the book."""
        return self.doors.ledger

    def key(self, name: str) -> str:
        """Return the idempotency key of an effect: subject, stage, attempt, name."""
        return f"{self.scene.subject}/{self.scene.stage}/{self.scene.attempt}/{name}"

    def now(self) -> datetime:
        """Read the clock durably."""
        return self.engine.now()

    def sleep(self, seconds: float) -> None:
        """Wait durably."""
        self.engine.sleep(seconds)

    def read(self, name: str, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask something durably; nothing is changed by it, so nothing holds it up."""
        return self._result(verb, self.engine.step(name, lambda: outcome_of(lambda: verb(*args, **kwargs))))

    def book(self, name: str, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write into our own book durably: it is no outside effect, so no freeze or pause holds it.

        What leads to a way back must be writable while everything else is held.
        """
        return self.read(name, verb, *args, **kwargs)

    def act(self, name: str, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something durably: held while frozen or paused, refused when aborted, recorded twice.

        Raises:
            Aborted: a person asked to end the task.
            KeelwayError: what the verb raised.
        """

        def effect() -> Any:
            hold = self._hold(name)
            return hold or outcome_of(lambda: self._audited(name, lambda: verb(*args, **kwargs)))

        for turn in range(1_000_000):
            plain = self.engine.step(name if turn == 0 else f"{name}#{turn}", effect)
            if "aborted" in plain:
                raise Aborted(plain["aborted"])
            if "held" not in plain:
                return self._result(verb, plain)
            self.sleep(HOLD_POLL_SECONDS)
        raise OurFault("held_too_long", f"The effect {name} was held for ever.")

    def enter(self) -> None:
        """Begin a stage run: wait while frozen or paused, end when aborted, and record the beginning.

        Raises:
            Aborted: a person asked to end the task.
        """
        if self.scene.stage in WAYS_BACK:
            self.recovering = True
        for turn in range(1_000_000):
            plain = self.engine.step(f"enter#{turn}", lambda: self._hold("enter") or {})
            if "aborted" in plain:
                raise Aborted(plain["aborted"])
            if "held" not in plain:
                break
            self.sleep(HOLD_POLL_SECONDS)
        self.engine.step("begin", lambda: self._stage_row("running", {}))

    def heed(self, name: str) -> str:
        """Return who asked to roll back, or nothing; read durably, also while frozen or paused.

        Raises:
            Aborted: a person asked to end the task.
        """
        if not self.scene.has_task:
            return ""

        def wishes() -> list[str]:
            row = self.ledger.find(self.scene.subject)
            return [row.abort_by, row.rollback_by]

        abort_by, rollback_by = self.engine.step(name, wishes)
        if abort_by:
            raise Aborted(abort_by)
        return str(rollback_by)

    def left(self, kind: str, code: str, message: str) -> None:
        """Record how the stage run ended."""
        status = {"passed": "passed", "held": "held", "waiting": "held"}.get(kind, "failed")
        self.engine.step("end", lambda: self._stage_row(status, {"code": code, "message": message[:2_000]}))

    def _stage_row(self, status: str, output: dict[str, Any]) -> str:
        scene = self.scene
        kind = EventKind.STAGE_STARTED if status == "running" else EventKind.STAGE_FINISHED
        self.note(kind, self.key(status), status=status, **output)
        if scene.has_task:
            self.ledger.stage(scene.subject, scene.stage, scene.attempt, status, output)
        return status

    def _hold(self, name: str) -> dict[str, Any] | None:
        if self.recovering:
            return None
        if self.scene.has_task:
            row = self.ledger.find(self.scene.subject)
            if row.abort_by:
                return {"aborted": row.abort_by}
            if row.paused:
                return {"held": "paused"}
        finding = judge_effect(self.ledger.freeze(), name, rollback_begun=False)
        return None if finding.ruling is Ruling.PASS else {"held": finding.code}

    def _audited(self, name: str, effect: Callable[[], T]) -> T:
        key = self.key(name)
        self.note(EventKind.EFFECT_INTENDED, f"{key}:intent", effect=name)
        self.engine.fence()
        try:
            value = effect()
        except Exception as error:
            self.note(EventKind.EFFECT_FAILED, "", effect=name, error=str(error)[:500])
            raise
        self.note(EventKind.EFFECT_DONE, f"{key}:done", effect=name)
        return value

    def _result(self, verb: Callable[..., T], plain: Any) -> T:
        raise_error(plain)
        kind: Any = get_type_hints(verb).get("return", type(None))
        value: T = plain["ok"] if kind is type(None) else from_json(kind, plain["ok"])
        return value

    def note(self, kind: EventKind, key: str = "", **data: Any) -> int:
        """Append an event about this run to the book, at most once per key."""
        scene = self.scene
        event = Event(
            kind,
            self.engine.wall(),
            scene.subject if scene.has_task else "",
            scene.stage,
            scene.attempt,
            data={**data} if scene.has_task else {**data, "order": scene.subject},
            key=key,
        )
        return self.ledger.record(event)

    def record(self, kind: EventKind, name: str, **data: Any) -> None:
        """Append an event once, as a durable step of its own."""
        self.engine.step(f"record:{name}", lambda: self.note(kind, self.key(name), **data))

    def move(self, status: Status, **fields: Any) -> None:
        """Change the status of the task by the lifecycle table."""
        subject = self.scene.subject
        plain = self.engine.step(
            f"status:{status.value}",
            lambda: outcome_of(lambda: self.ledger.move(subject, status, **fields).status),
        )
        raise_error(plain)

    def amend(self, **fields: Any) -> None:
        """Change fields of the task without touching its status."""
        subject = self.scene.subject
        name = "amend:" + ",".join(sorted(fields))
        raise_error(
            self.engine.step(name, lambda: outcome_of(lambda: self.ledger.amend(subject, **fields).status))
        )

    def judged(self, verdict: Verdict) -> Verdict:
        """Record the verdict of a gate once and return it."""
        self._verdicts += 1
        name = f"gate:{verdict.gate}"
        key = self.key(f"{name}:{self._verdicts}")
        data = {"gate": verdict.gate, "ruling": verdict.ruling.value, "findings": to_json(verdict.findings)}
        self.engine.step(name, lambda: self.note(EventKind.GATE_JUDGED, key, **data))
        return verdict
