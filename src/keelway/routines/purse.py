"""Let an agent work within every cap on money: look before, book after, and ask a person when a cap bites."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from keelway.core.codec import to_json
from keelway.core.errors import KeelwayError
from keelway.core.model.event import EventKind
from keelway.core.model.task import Task
from keelway.core.model.usage import UsageEntry, UsageSource
from keelway.core.model.verdict import Ruling
from keelway.core.rule.allowance import (
    SPEND,
    TOKENS,
    Cap,
    bitten,
    bounds_of,
    caps_of,
    raise_of,
    run_limits,
    terms_digest,
)
from keelway.core.rule.approval import Binding
from keelway.core.words.question import budget_question, spent_of
from keelway.ports.agent import Assignment, Effort, Stop
from keelway.routines.ask import answer_to, require
from keelway.routines.context import Context
from keelway.routines.outcome import Held, StageFailed, outcome_of, raise_error

_ASKED = "asked"
_NEARLY = 0.25
"""A run that ended for its tokens was ended by our cap when less than this share of it is left."""


@dataclass(frozen=True)
class Purse:
    """Pay the agents of one stage run.

    Args:
        ctx: of the stage run.
        task: on whose account they work.
    """

    ctx: Context
    task: Task

    def work(self, name: str, assignment: Assignment, left: dict[str, Any]) -> Effort:
        """Let the agent work with what the caps leave, book what it used and keep what it left in writing.

        Args:
            name: of the step.
            assignment: its limits on money and tokens are set here.
            left: what the stage has to know, in plain JSON, if it is held up now and entered again.

        Raises:
            Held: a cap bites, and a person has to allow more.
            StageFailed: a person said no, or nobody can allow more.
        """
        usd, tokens = run_limits(self.afford(name, left))
        limits = replace(assignment.limits, cost_usd_max=usd, tokens_max=tokens)
        effort = self.ctx.act(name, self.ctx.agent.work, replace(assignment, limits=limits))
        self.ctx.record(
            EventKind.AGENT_FINISHED,
            name,
            stop=effort.stop.value,
            agent=effort.agent,
            cost_usd=effort.spent.cost_usd,
            permissions_refused=effort.permissions_refused,
        )
        self._book(name, assignment, effort)
        self._keep(name, assignment)
        return effort

    def afford(self, name: str, left: dict[str, Any], *, cut: bool = False) -> tuple[Cap, ...]:
        """Return the caps once something is left of each.

        Args:
            name: of the steps.
            left: see ``work``.
            cut: a cap ended the last run, whatever seems to be left.

        Raises:
            Held: a cap bites, and a person has to allow more.
            StageFailed: a person said no, or nobody can allow more.
        """
        ctx = self.ctx
        spending = ctx.read(f"spending:{name}", ctx.ledger.spending, self.task.id, ctx.scene.stage)
        bounds = bounds_of(ctx.policy, ctx.scene.stage)
        caps = caps_of(bounds, spending)
        asked = [tuple(terms) for terms in (ctx.resumed or {}).get(_ASKED, ())]
        found = bitten(caps, cut=cut, asked=asked)
        if not found:
            for question in spending.asked:
                ctx.book("withdraw", ctx.ledger.withdraw, question)
            return caps
        self._insist_on_yes(name, found, left)
        raised = tuple(map(raise_of, found))
        return caps_of(bounds, replace(spending, raises=(*spending.raises, *raised)))

    def cut(self, effort: Effort, name: str) -> bool:
        """Tell whether a cap of ours ended a run; what was spent is looked up when only the tokens tell."""
        if effort.stop is Stop.LIMIT_COST:
            return True
        if effort.stop is not Stop.LIMIT_TOKENS or not self.ctx.policy.budget.task_tokens_max:
            return False
        ctx = self.ctx
        spending = ctx.read(f"tokens:{name}", ctx.ledger.spending, self.task.id, ctx.scene.stage)
        caps = caps_of(bounds_of(ctx.policy, ctx.scene.stage), spending)
        return any(cap.unit == TOKENS and cap.left < cap.limit * _NEARLY for cap in caps)

    def _insist_on_yes(self, name: str, caps: tuple[Cap, ...], left: dict[str, Any]) -> None:
        """Go on when a person allowed exactly this, else ask and leave the stage."""
        ctx, request = self.ctx, self.task.request
        shown = [to_json(cap) for cap in caps]
        spent = "; ".join(map(spent_of, caps))
        if any(cap.more <= 0 for cap in caps):
            settings = " and ".join(cap.setting for cap in caps)
            raise StageFailed(
                "budget_spent",
                f"The cap is reached: {spent}.",
                f"raise {settings}, then keelway retry {self.task.name}",
            )
        binding = Binding(self.task.id, SPEND, tree_sha=terms_digest(caps), policy_digest=ctx.policy.digest)
        said = answer_to(ctx, binding, request.requested_by, "low")
        if said.ruling is Ruling.PASS:
            for cap in caps:
                ctx.record(
                    EventKind.BUDGET_RAISED,
                    f"raise:{cap.name}:{name}",
                    **{
                        "raise": to_json(raise_of(cap)),
                        "cap": to_json(cap),
                        "by": said.evidence.get("by", ""),
                    },
                )
            return
        if said.code == "approval_denied":
            raise StageFailed(
                "budget_denied", f"The cap is reached: {spent}. {said.message}", findings=(said,)
            )
        terms = [list(cap.terms) for cap in caps]
        if (ctx.resumed or {}).get(_ASKED) != terms:
            ctx.record(EventKind.BUDGET_SPENT, f"spent:{name}", caps=shown, left=left | {_ASKED: terms})
        text = budget_question(self.task, caps, ctx.policy.review)
        try:
            require(ctx, binding, text, request.requested_by, "low")
        except Held as held:
            if {cap.name for cap in caps} != {"day"}:
                raise
            raise Held(held.question, min(held.wait_seconds, self._seconds_to_midnight())) from held

    def _seconds_to_midnight(self) -> float:
        now = self.ctx.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return max(1.0, (midnight - now).total_seconds())

    def _book(self, name: str, assignment: Assignment, effort: Effort) -> None:
        """Book what the agent says it used; where we metered, the meter has booked what counts already."""
        ctx, said = self.ctx, effort.usage

        def book() -> Any:
            entry = UsageEntry(
                ctx.key(f"usage:{name}"),
                self.task.id,
                assignment.role,
                assignment.attempt,
                ctx.engine.wall(),
                UsageSource.REPORTED,
                ctx.scene.stage,
                effort.agent.split(" ")[0],
                input_tokens=said.input_tokens,
                output_tokens=said.output_tokens,
                cost_usd=said.cost_usd,
                counted=effort.metered is None,
                status=effort.stop.value,
                seconds=effort.seconds,
            )
            return outcome_of(lambda: ctx.ledger.book_usage(entry))

        raise_error(ctx.engine.step(f"book:{name}", book))

    def _keep(self, name: str, assignment: Assignment) -> None:
        """Keep transcript and requests as artefacts; what cannot be kept is recorded and stops nothing."""
        ctx, run = self.ctx, f"{assignment.role}-{assignment.attempt}"

        def keep() -> str:
            try:
                for each in ctx.agent.record(assignment.task, assignment.role, assignment.attempt):
                    kind = "application/jsonl" if each.name.endswith(".jsonl") else "text/plain"
                    ctx.ledger.save_artefact(self.task.id, f"{run}/{each.name}", each.text, kind)
            except KeelwayError as error:
                ctx.note(EventKind.EFFECT_FAILED, "", effect=f"keep {run}", error=str(error)[:500])
                return "failed"
            return "kept"

        ctx.engine.step(f"keep:{name}", keep)
