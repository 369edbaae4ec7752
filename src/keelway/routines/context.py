"""The one door for effects: freeze and abort are heeded, the audit trail written, the result durable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, get_type_hints

from keelway.core.codec import from_json, to_json
from keelway.core.errors import KeelwayError, OurFault
from keelway.core.model.event import Event, EventKind
from keelway.core.model.lifecycle import Status
from keelway.core.model.project import Project
from keelway.core.model.role import Stage
from keelway.core.model.verdict import Ruling, Verdict
from keelway.core.policy import Policy
from keelway.core.rule.account import Account, account_of
from keelway.core.rule.budget import Limits, Spent, judge_spent, stage_limits
from keelway.core.rule.freeze import judge_effect
from keelway.ports.engine import Engine
from keelway.routines.doors import Doors, Doorway, Scene
from keelway.routines.outcome import Aborted, StageFailed, outcome_of, raise_error

__all__ = ["HOLD_POLL_SECONDS", "WAYS_BACK", "Context", "Doors", "Scene"]

P = ParamSpec("P")
T = TypeVar("T")

WAYS_BACK = frozenset({"unwind", "rollback"})
"""Runs that nothing may hold up."""

_BUDGETED = frozenset(stage.value for stage in Stage)

HOLD_POLL_SECONDS = 2.0
"""How often an effect that is held by a freeze or a pause looks again."""


class Context(Doorway):
    """Give a stage its doors, its policy and the engine, and nothing else."""

    def __init__(self, engine: Engine, doors: Doors, project: Project, policy: Policy, scene: Scene) -> None:
        super().__init__(doors)
        self.engine, self.project, self.policy, self.scene = engine, project, policy, scene
        self.policy_base = self.policy_mark = ""
        """Commit that the task has its policy from, and by what that is known again on another; empty for neither."""
        self.recovering = False
        """True once a way back has begun: it finishes, whatever is frozen, paused or aborted."""
        self._account: Account | None = None
        self._held_seconds = 0.0
        self._verdicts = 0

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
            if hold is not None:
                return hold
            try:
                return outcome_of(lambda: self._audited(name, lambda: verb(*args, **kwargs)))
            except Aborted as end:
                return {"aborted": end.by}

        for turn in range(1_000_000):
            plain = self.engine.step(name if turn == 0 else f"{name}#{turn}", effect)
            if "aborted" in plain:
                raise Aborted(plain["aborted"])
            if "held" not in plain:
                return self._result(verb, plain)
            self._wait()
        raise OurFault("held_too_long", f"The effect {name} was held for ever.")

    def enter(self) -> None:
        """Begin a stage run: wait while frozen or paused, end when aborted, and record the beginning.

        Raises:
            Aborted: a person asked to end the task.
            StageFailed: the entry before ended in a fault, and the budget allows no other try.
        """
        if self.scene.stage in WAYS_BACK:
            self.recovering = True
        for turn in range(1_000_000):
            plain = self.engine.step(f"enter#{turn}", lambda: self._hold("enter") or {})
            if "aborted" in plain:
                raise Aborted(plain["aborted"])
            if "held" not in plain:
                break
            self._wait()
        begun = self.engine.step("begin", self._begin)
        if isinstance(begun, dict):
            self._account = from_json(Account, begun)
            self._insist_on_budget(self._account)

    def used(self) -> Spent:
        """Return what the stage has used until now, earlier entries included; durable.

        Waiting for people, and time held by a pause or a freeze, is not used.
        """
        account = self._account
        if account is None:
            return Spent()
        own_seconds = (self.now() - account.began_at).total_seconds() - self._held_seconds
        return replace(account.spent, seconds=account.spent.seconds + max(0.0, own_seconds))

    @property
    def faults(self) -> int:
        """Return how many tries of this stage in a row ended in a fault just before this one."""
        return self._account.spent.attempts if self._account else 0

    @property
    def resumed(self) -> dict[str, Any] | None:
        """Return what the stage knew when a cap on money held it up, ``None`` when none did."""
        return self._account.left if self._account else None

    @property
    def limits(self) -> Limits:
        """Return what the stage may use, all its attempts together."""
        hotfix = self._account is not None and self._account.hotfix
        return stage_limits(self.policy, Stage(self.scene.stage), hotfix=hotfix)

    def _begin(self) -> Any:
        status = self._stage_row("running", {})
        scene = self.scene
        if not scene.has_task or scene.stage not in _BUDGETED:
            return status
        links = self.ledger.events(task=scene.subject, limit=10_000)
        hotfix = self.ledger.find(scene.subject).task.request.hotfix
        events = [link.event for link in links]
        return to_json(account_of(events, scene.stage, scene.attempt, self.engine.wall(), hotfix=hotfix))

    def _insist_on_budget(self, account: Account) -> None:
        """Refuse another try after a fault, when it may not or need not be."""
        if not account.code:
            return
        if account.final:
            said = f"{account.message} The stage had merged or taken back already, so it is not tried again."
            raise StageFailed(account.code, said)
        finding = judge_spent(replace(account.spent, cost_usd=0.0), self.limits)  # money is asked for
        if finding.ruling is not Ruling.PASS:
            raise StageFailed(
                finding.code, f"{finding.message} Last fault: {account.message}", "", (finding,)
            )

    def _wait(self) -> None:
        self._held_seconds += HOLD_POLL_SECONDS
        self.sleep(HOLD_POLL_SECONDS)

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
        held = self._held_seconds
        said = {"end": kind, "code": code, "message": message[:2_000], "held_seconds": held}
        self.engine.step("end", lambda: self._stage_row(status, said))

    def _stage_row(self, status: str, output: dict[str, Any]) -> str:
        scene = self.scene
        kind = EventKind.STAGE_STARTED if status == "running" else EventKind.STAGE_FINISHED
        self.note(kind, self.key(status), status=status, **output)
        if scene.has_task:
            self.ledger.stage(scene.subject, scene.stage, scene.attempt, status, output)
        return status

    def _hold(self, name: str) -> dict[str, Any] | None:
        """Say what keeps an effect from happening; the flag of the freeze counts when the book cannot be read."""
        if self.recovering:
            return None
        finding = judge_effect(self.ledger.freeze(), name, rollback_begun=False)
        if finding.ruling is not Ruling.PASS:
            with suppress(KeelwayError):
                return self._asked() or {"held": finding.code}
            return {"held": finding.code}
        return self._asked()

    def _asked(self) -> dict[str, Any] | None:
        if not self.scene.has_task:
            return None
        row = self.ledger.find(self.scene.subject)
        if row.abort_by:
            return {"aborted": row.abort_by}
        return {"held": "paused"} if row.paused else None

    def _audited(self, name: str, effect: Callable[[], T]) -> T:
        key = self.key(name)
        self.note(EventKind.EFFECT_INTENDED, f"{key}:intent", effect=name)
        self.engine.fence()
        try:
            self._insist_not_aborted()
            value = effect()
        except Exception as error:
            self.note(EventKind.EFFECT_FAILED, "", effect=name, error=str(error)[:500])
            raise
        made = {name: getattr(value, name) for name in ("sha", "number") if hasattr(value, name)}
        self.note(EventKind.EFFECT_DONE, f"{key}:done", effect=name, **made)
        return value

    def _insist_not_aborted(self) -> None:
        """Look once more after the intent is in the book: either we see an abort, or its clean-up sees us."""
        if self.scene.has_task and not self.recovering:
            row = self.ledger.find(self.scene.subject)
            if row.abort_by:
                raise Aborted(row.abort_by)

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

    def judged(self, verdict: Verdict, **more: Any) -> Verdict:
        """Record the verdict of a gate once and return it."""
        self._verdicts += 1
        name = f"gate:{verdict.gate}"
        key = self.key(f"{name}:{self._verdicts}")
        data = {"gate": verdict.gate, "ruling": verdict.ruling.value, "findings": to_json(verdict.findings)}
        self.engine.step(name, lambda: self.note(EventKind.GATE_JUDGED, key, **data, **more))
        return verdict
