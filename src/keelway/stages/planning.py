"""2. Agree: facts, a typed plan, its risk, and the approval of exactly this plan."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.codec import from_json, to_json
from keelway.core.errors import TheirFault
from keelway.core.gate.plan import PlanFacts, judge_plan
from keelway.core.lesson.history import REPEATED
from keelway.core.lesson.signature import problem_of
from keelway.core.lesson.strategy import strategy_of
from keelway.core.lesson.tell import account_of, refusal
from keelway.core.model.handover import Admitted, ApprovedPlan
from keelway.core.model.lifecycle import Status
from keelway.core.model.plan import Plan, parse_plan, plan_digest
from keelway.core.model.task import Task
from keelway.core.model.verdict import Finding, Ruling, Verdict, combine, failed
from keelway.core.package.package import PackageFacts
from keelway.core.prompt import PlanBrief, plan_prompt
from keelway.core.research.show import package_line
from keelway.core.rule.approval import Binding
from keelway.core.rule.budget import Spent, judge_spent
from keelway.core.rule.risk import assess_plan
from keelway.core.words.question import plan_question
from keelway.ports.agent import AgentLimits, Assignment, Effort, Stop
from keelway.ports.ledger import TaskRow
from keelway.routines.ask import answer_to, require
from keelway.routines.context import Context
from keelway.routines.fence import insist_on_fence
from keelway.routines.lessons import Learnt
from keelway.routines.outcome import StageFailed
from keelway.routines.purse import Purse
from keelway.routines.recipe import trial
from keelway.routines.role.research import look_up, research

EVIDENCE_CHARS_MAX = 1_000
"""So much of the evidence is part of the search for similar tasks."""


def agree(ctx: Context, admitted: Admitted) -> ApprovedPlan:
    """Have a plan written and agreed; entered again after each answer of a person.

    Raises:
        Held: a person has to approve, or to allow more than a cap on money does.
        StageFailed: no valid plan, or a person said no.
    """
    task = admitted.task
    base_sha = ctx.read("base", ctx.forge.head, ctx.project.branches.integration)
    files = ctx.read("files", ctx.forge.files, base_sha)
    row = ctx.read("row", ctx.ledger.find, task.id)
    plan, version, remarks = _current(ctx, admitted, row)
    learnt = Learnt(ctx, "" if task.request.recipe else problem_of(task.request))
    if plan is None:
        ctx.move(Status.PLANNING)
        if task.request.recipe:
            plan, version = _by_recipe(ctx, admitted, base_sha, row.plan_version)
        else:
            insist_on_fence(ctx, task.request)
            brief = _brief(ctx, task, base_sha, files, row)
            brief = replace(brief, remarks=remarks)
            plan, version = _propose(ctx, admitted, brief, row.plan_version, learnt)
    risk = assess_plan(plan, ctx.policy)
    binding = _binding(ctx, admitted, plan, version)
    consent = answer_to(ctx, binding, task.request.requested_by, risk.level)
    packages = look_up(ctx, "dependencies", plan, files)
    known = learnt.failed(strategy_of(plan))
    facts = PlanFacts(
        plan=plan,
        risk=risk,
        approval=None,
        known_files=files,
        packages=packages,
        failed_before=account_of(known) if known else "",
    )
    verdict = _judge(ctx, facts, consent)
    if verdict.ruling is Ruling.HOLD:
        ctx.move(Status.PLAN_PENDING_APPROVAL, risk=risk.level)
        text = plan_question(task, plan, risk, ctx.policy.review, _reasons(verdict, packages))
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


def _judge(ctx: Context, facts: PlanFacts, consent: Finding) -> Verdict:
    asked = None if consent.code == "approval_missing" else consent
    verdict = judge_plan(replace(facts, approval=asked), ctx.policy)
    return ctx.judged(verdict, plan=plan_digest(facts.plan))


def _reasons(verdict: Verdict, packages: tuple[PackageFacts, ...] | None) -> list[str]:
    """Say why a person is asked, and what indexes say about new packages."""
    return [*(reason.message for reason in verdict.reasons), *map(package_line, packages or ())]


def _brief(ctx: Context, task: Task, base_sha: str, files: tuple[str, ...], row: TaskRow) -> PlanBrief:
    before = None if row.plan is None else from_json(Plan, row.plan)
    return PlanBrief(files=files, facts=research(ctx, task, base_sha, files), before=before)


def _by_recipe(ctx: Context, admitted: Admitted, base_sha: str, version: int) -> tuple[Plan, int]:
    plan = trial(ctx, admitted, base_sha, version + 1)
    ctx.amend(plan=to_json(plan), plan_version=version + 1, risk=assess_plan(plan, ctx.policy).level)
    return plan, version + 1


def _propose(
    ctx: Context, admitted: Admitted, brief: PlanBrief, version: int, learnt: Learnt
) -> tuple[Plan, int]:
    """Let the agent write a plan; what is wrong with one is told to it for the next try.

    What failed before is refused once; when the agent insists, or has no try left, a person decides.
    """
    task, files, budget, known = admitted.task, tuple(brief.files), ctx.policy.budget.plan, ctx.resumed or {}
    said, before = list(known.get("said", brief.remarks)), int(known.get("attempts", 0))
    purse, attempts_max = Purse(ctx, task), max(1, budget.attempts_max - ctx.faults)
    learnt.search(f"{task.request.text}\n{task.request.evidence[:EVIDENCE_CHARS_MAX]}")
    for attempt in range(before + 1, attempts_max + 1):
        left = judge_spent(Spent(seconds=ctx.used().seconds), ctx.limits)
        if left.ruling is not Ruling.PASS:
            raise StageFailed(left.code, left.message, findings=(left,))
        base_sha = ctx.read(f"base:{attempt}", ctx.forge.head, ctx.project.branches.integration)
        room = ctx.act(f"workspace:{attempt}", ctx.sandbox.open, f"{task.name}-plan", base_sha, "plan")
        here = {"attempts": attempt - 1, "said": said}
        brief = replace(brief, lessons=learnt.told(f"told:{attempt}"), remarks=said)
        effort = purse.work(
            f"plan:{attempt}",
            Assignment(
                task.name,
                "plan",
                version + attempt,
                room.path,
                plan_prompt(task, version + attempt, brief),
                AgentLimits(wall_seconds=budget.attempt_seconds_max),
                writes=False,
            ),
            here,
        )
        ctx.act(f"workspace closed:{attempt}", ctx.sandbox.close, f"{task.name}-plan")
        if purse.cut(effort, f"plan:{attempt}"):
            purse.afford(f"more:{attempt}", here, cut=True)
        try:
            plan = _plan_of(effort)
        except TheirFault as error:
            said.append(error.message)
            continue
        risk = assess_plan(plan, ctx.policy)
        packages = look_up(ctx, f"dependencies:{attempt}", plan, files)
        facts = PlanFacts(plan=plan, risk=risk, approval=None, known_files=files, packages=packages)
        verdict = judge_plan(facts, ctx.policy)
        failing = learnt.failed(strategy_of(plan)) if verdict.ruling is not Ruling.FAIL else None
        if failing and refusal(failing) not in said and attempt < attempts_max:
            verdict = combine("plan", (failed(REPEATED, refusal(failing), lesson=failing.name),))
        if verdict.ruling is not Ruling.FAIL:
            ctx.amend(plan=to_json(plan), plan_version=version + 1, risk=risk.level)
            return plan, version + 1
        if learnt.active:
            ctx.judged(verdict)
        said.extend(reason.message for reason in verdict.reasons)
        brief = replace(brief, before=plan)
    raise StageFailed("no_valid_plan", "The agent wrote no valid plan. " + " ".join(said[-3:]))


def _plan_of(effort: Effort) -> Plan:
    if effort.stop is not Stop.COMPLETED:
        raise TheirFault(
            f"agent_{effort.stop.value}", f"The agent ended with {effort.stop.value}. {effort.detail}"
        )
    return parse_plan(effort.text)
