"""2. Agree: facts, a typed plan, its risk, and the approval of exactly this plan."""

from __future__ import annotations

from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault
from keelway.core.gate.plan import PlanFacts, judge_plan
from keelway.core.model.event import EventKind
from keelway.core.model.handover import Admitted, ApprovedPlan
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import Plan, parse_plan, plan_digest
from keelway.core.model.verdict import Finding, Ruling, Verdict
from keelway.core.prompt import PlanBrief, plan_prompt
from keelway.core.rule.approval import Binding
from keelway.core.rule.budget import Spent, judge_spent
from keelway.core.rule.risk import Risk, assess_plan
from keelway.core.words.question import plan_question
from keelway.ports.agent import AgentLimits, Assignment, Effort, Stop
from keelway.ports.ledger import TaskRow
from keelway.routines.ask import answer_to, require
from keelway.routines.context import Context
from keelway.routines.fence import insist_on_fence
from keelway.routines.outcome import StageFailed
from keelway.routines.recipe import trial


def agree(ctx: Context, admitted: Admitted) -> ApprovedPlan:
    """Have a plan written and agreed; entered again after each answer of a person.

    Raises:
        Held: a person has to approve.
        StageFailed: no valid plan, or a person said no.
    """
    task = admitted.task
    base_sha = ctx.read("base", ctx.forge.head, ctx.project.branches.integration)
    files = ctx.read("files", ctx.forge.files, base_sha)
    row = ctx.read("row", ctx.ledger.find, task.id)
    plan, version, remarks = _current(ctx, admitted, row)
    if plan is None:
        ctx.move(Status.PLANNING)
        if task.request.recipe:
            plan, version = _by_recipe(ctx, admitted, base_sha, row.plan_version)
        else:
            insist_on_fence(ctx, task.request)
            plan, version = _propose(ctx, admitted, files, row.plan_version, remarks)
    risk = assess_plan(plan, ctx.policy)
    binding = _binding(ctx, admitted, plan, version)
    consent = answer_to(ctx, binding, task.request.requested_by, risk.level)
    verdict = _judge(ctx, plan, risk, consent, files)
    if verdict.ruling is Ruling.HOLD:
        ctx.move(Status.PLAN_PENDING_APPROVAL, risk=risk.level)
        text = plan_question(task, plan, risk, ctx.policy.review)
        consent = require(ctx, binding, text, task.request.requested_by, risk.level)
    elif not verdict.passed:
        raise StageFailed.by_gate(verdict)
    by = consent.evidence.get("by", "policy") if consent.ruling is Ruling.PASS else "policy"
    ctx.move(Status.DEVELOPING, risk=risk.level)
    return ApprovedPlan(
        admitted,
        plan,
        version,
        plan_digest(plan),
        base_sha,
        ctx.policy.digest,
        risk.level,
        risk.factors,
        by,
        consent.evidence.get("remarks", ""),
    )


def _binding(ctx: Context, admitted: Admitted, plan: Plan, version: int) -> Binding:
    """Bind an approval to the plan's own digest: another plan, version or policy is another question."""
    return Binding(
        admitted.task.id,
        "plan",
        tree_sha=plan_digest(plan),
        plan_version=version,
        policy_digest=ctx.policy.digest,
    )


def _current(ctx: Context, admitted: Admitted, row: TaskRow) -> tuple[Plan | None, int, tuple[str, ...]]:
    """Return the plan on the table, or the remarks that a person wants to see in the next one."""
    if row.plan is None:
        return None, 0, ()
    plan = from_json(Plan, row.plan)
    said = answer_to(
        ctx, _binding(ctx, admitted, plan, row.plan_version), admitted.task.request.requested_by, "low"
    )
    if said.code == "approval_revise":
        if row.plan_version > ctx.policy.plan.revisions_max:
            raise StageFailed("revisions_spent", f"The plan was revised {row.plan_version - 1} times.")
        return None, row.plan_version, (said.evidence.get("remarks", said.message),)
    return plan, row.plan_version, ()


def _judge(ctx: Context, plan: Plan, risk: Risk, consent: Finding, files: tuple[str, ...]) -> Verdict:
    asked = None if consent.code == "approval_missing" else consent
    return ctx.judged(
        judge_plan(PlanFacts(plan=plan, risk=risk, approval=asked, known_files=files), ctx.policy)
    )


def _by_recipe(ctx: Context, admitted: Admitted, base_sha: str, version: int) -> tuple[Plan, int]:
    plan = trial(ctx, admitted, base_sha, version + 1)
    ctx.amend(plan=to_json(plan), plan_version=version + 1, risk=assess_plan(plan, ctx.policy).level)
    return plan, version + 1


def _propose(
    ctx: Context, admitted: Admitted, files: tuple[str, ...], version: int, remarks: tuple[str, ...]
) -> tuple[Plan, int]:
    """Let the agent write a plan; what is wrong with one is told to it for the next try."""
    task, said, budget = admitted.task, list(remarks), ctx.policy.budget.plan
    cost_usd = ctx.used().cost_usd
    for attempt in range(1, max(1, budget.attempts_max - ctx.faults) + 1):
        left = judge_spent(Spent(seconds=ctx.used().seconds, cost_usd=cost_usd), ctx.limits)
        if left.ruling is not Ruling.PASS:
            raise StageFailed(left.code, left.message, findings=(left,))
        base_sha = ctx.read(f"base:{attempt}", ctx.forge.head, ctx.project.branches.integration)
        room = ctx.act(f"workspace:{attempt}", ctx.sandbox.open, f"{task.name}-plan", base_sha, "plan")
        effort = ctx.act(
            f"plan:{attempt}",
            ctx.agent.work,
            Assignment(
                task.name,
                "plan",
                version + attempt,
                room.path,
                plan_prompt(task, version + attempt, PlanBrief(files=files, remarks=said)),
                AgentLimits(
                    wall_seconds=budget.attempt_seconds_max,
                    cost_usd_max=max(0.0, budget.cost_usd_max - cost_usd),
                ),
                writes=False,
            ),
        )
        cost_usd += _booked_cost(ctx, attempt, effort)
        ctx.act(f"workspace closed:{attempt}", ctx.sandbox.close, f"{task.name}-plan")
        try:
            plan = _plan_of(effort)
        except TheirFault as error:
            said.append(error.message)
            continue
        risk = assess_plan(plan, ctx.policy)
        verdict = judge_plan(PlanFacts(plan=plan, risk=risk, approval=None, known_files=files), ctx.policy)
        if verdict.ruling is not Ruling.FAIL:
            ctx.amend(plan=to_json(plan), plan_version=version + 1, risk=risk.level)
            return plan, version + 1
        said.extend(reason.message for reason in verdict.reasons)
    raise StageFailed("no_valid_plan", "The agent wrote no valid plan. " + " ".join(said[-3:]))


def _booked_cost(ctx: Context, attempt: int, effort: Effort) -> float:
    cost = effort.spent.cost_usd
    ctx.record(
        EventKind.AGENT_FINISHED,
        f"plan:{attempt}",
        stop=effort.stop.value,
        agent=effort.agent,
        cost_usd=cost,
    )
    if cost > 0:
        before = ctx.read(f"cost:{attempt}", ctx.ledger.find, ctx.scene.subject).cost_usd
        ctx.amend(cost_usd=before + cost)
    return cost


def _plan_of(effort: Effort) -> Plan:
    if effort.stop is not Stop.COMPLETED:
        raise TheirFault(
            f"agent_{effort.stop.value}", f"The agent ended with {effort.stop.value}. {effort.detail}"
        )
    return parse_plan(effort.text)
