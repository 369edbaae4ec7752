"""3. Build: edit, check and judge until the patch is good or the budget is spent."""

from __future__ import annotations

import re
from typing import Any

from keelway.core.codec import from_json, to_json
from keelway.core.gate.quality import QualityFacts, judge_quality
from keelway.core.lesson.signature import signature_of
from keelway.core.lesson.strategy import Strategy, strategy_of
from keelway.core.model.diff import Diff
from keelway.core.model.handover import ApprovedPlan, TestedPatch, Work
from keelway.core.model.lifecycle import Status
from keelway.core.model.verdict import Finding, Ruling, Verdict, combine, failed
from keelway.core.prompt import dev_prompt, fix_prompt
from keelway.core.rule.budget import Spent, failure_key, is_stuck, judge_spent
from keelway.core.rule.change.category import diff_categories
from keelway.core.rule.guardrail import judge_diff
from keelway.core.rule.risk import Risk, assess_diff, worst
from keelway.core.words.commit import commit_message
from keelway.core.words.text import outgoing
from keelway.ports.agent import AgentLimits, Assignment, Stop
from keelway.ports.sandbox import Collected, Workspace
from keelway.routines.context import Context
from keelway.routines.evidence import Examination, base_of, examine
from keelway.routines.fence import insist_on_fence
from keelway.routines.judge.undo import StepBack
from keelway.routines.lessons import Learnt
from keelway.routines.outcome import StageFailed
from keelway.routines.policy import insist_on_policy
from keelway.routines.proof.scan import Patch, scan
from keelway.routines.purse import Purse
from keelway.routines.recipe import carry_out

_FATAL = {Stop.AUTH_ERROR, Stop.NOT_STARTED}


def build(ctx: Context, work: Work) -> TestedPatch:
    """Let the agent work and the judge look, in turn, until the judge is satisfied.

    Raises:
        Held: a cap on money bites, and a person has to allow more.
        StageFailed: the iterations or the time are spent, or the same failure comes again.
    """
    if not work.task.request.recipe:
        insist_on_fence(ctx, work.task.request)
    loop = _Loop(ctx, work)
    for turn in range(loop.turns_before + 1, ctx.policy.development.iterations_max + 1):
        patch = loop.turn(turn)
        if patch is not None:
            return patch
    raise StageFailed(
        "iterations_spent",
        f"The patch still does not pass after {ctx.policy.development.iterations_max} iterations. "
        + " ".join(loop.remarks[-3:]),
    )


class _Loop:
    """Keep what one run of the develop loop has learnt; all of it comes from recorded steps."""

    def __init__(self, ctx: Context, work: Work) -> None:
        self.ctx, self.approved = ctx, work.approved
        self.purse = Purse(ctx, work.task)
        known = ctx.resumed or {}
        self.findings = work.findings or tuple(failed("remark", remark) for remark in work.remarks)
        if known:
            self.findings = from_json(tuple[Finding, ...], known["findings"])
        self.keys: list[str] = list(known.get("keys", ()))
        self.typecheck_failures = int(known.get("typecheck_failures", 0))
        self.turns_before = int(known.get("turns", 0))
        self.branch = branch_of(ctx, work.approved)
        row = ctx.read("row", ctx.ledger.find, work.task.id)
        self.spent_before = int(known.get("spent_before", row.iterations))
        self.judge_first = self.cut = False
        ctx.move(Status.DEVELOPING, branch=self.branch)
        self.base_sha = ctx.read("base", ctx.forge.head, ctx.project.branches.integration)
        if ctx.resumed:
            # What the agent left there is gone on with, on the base that it was made on.
            name = work.task.name
            self.room = ctx.act("workspace", ctx.sandbox.open, name, self.base_sha, self.branch)
            self.base_sha = self.room.base_sha
        insist_on_policy(ctx, self.base_sha)
        self.base = base_of(ctx, self.base_sha)
        if not ctx.resumed:
            self.room = self._room(row.commit_sha)
        self.steps = StepBack(ctx, work.task.name, self.base_sha, self.base.passing)
        self.learnt = Learnt(ctx, signature_of(self.findings))
        self.learnt.search(f"{work.approved.plan.title}\n{work.approved.plan.approach}")

    @property
    def remarks(self) -> list[str]:
        """Return what is wrong with the present files, one sentence each."""
        return [finding.message for finding in self.findings]

    def _room(self, earlier_sha: str) -> Workspace:
        """Open the workspace; a patch of an earlier round is put onto the present base first.

        When nothing but the base was wrong, the judge looks before the agent is asked again.
        """
        ctx, name = self.ctx, self.approved.task.name
        if not earlier_sha:
            return ctx.act("workspace", ctx.sandbox.open, name, self.base_sha, self.branch)
        rebased = ctx.act(
            "rebase", ctx.forge.rebase, earlier_sha, self.base_sha, self._message(), self.branch
        )
        if rebased.conflicts:
            paths = ", ".join(rebased.conflicts)
            moved = failed("conflict", f"The base moved on; these files conflict: {paths}", paths=paths)
            self.findings = (*self.findings, moved)
            return ctx.act("workspace", ctx.sandbox.reset, name, self.base_sha, self.base_sha)
        self.judge_first = not self.findings
        return ctx.act("workspace", ctx.sandbox.reset, name, rebased.head_sha, self.base_sha)

    def turn(self, turn: int) -> TestedPatch | None:
        """Work once and judge the result; ``None`` when there is something left to correct."""
        ctx, number = self.ctx, self.spent_before + turn
        if not (turn == 1 and self.judge_first):
            self._work(turn, number)
        collected = ctx.act(
            f"collect:{turn}", ctx.sandbox.collect, self.room, self.base_sha, self._message(), self.branch
        )
        ctx.move(Status.TESTING, iterations=number)
        diff = ctx.read(f"diff:{turn}", ctx.forge.diff, self.base_sha, collected.head_sha)
        strategy = strategy_of(self.approved.plan, diff)
        again = self.learnt.again(collected.tree_sha, strategy, self.findings)
        if again is not None:
            ctx.judged(combine("quality", again.findings))
            self._learn(again.findings, again.same_as)
        else:
            verdict, seen, risk = self._judge(turn, diff, strategy, number)
            if verdict.passed:
                return self._tested(collected, number, diff, seen, risk)
            self._learn(verdict.reasons, verdict.reasons)
            self.learnt.tried(turn, collected.tree_sha, verdict.reasons, half_done=self.cut)
            self._step_back(turn, collected, seen)
        ctx.move(Status.DEVELOPING)
        if self.cut:
            self.purse.afford(f"more:{turn}", self._known(turn - 1), cut=True)
        return None

    def _step_back(self, turn: int, collected: Collected, seen: Examination) -> None:
        """Undo an iteration that broke what worked; a recipe and work cut off in the middle go on as they are."""
        if self.cut or self.approved.task.request.recipe:
            return
        undone = self.steps.after(turn, collected.head_sha, seen.tests, self.findings)
        if undone is not None:
            self.room, self.findings = undone.room, undone.findings

    def _work(self, turn: int, number: int) -> None:
        policy, budget = self.ctx.policy.development, self.ctx.policy.budget.dev
        self.cut = False
        if self.approved.task.request.recipe:
            carry_out(self.ctx, self.approved.task, number, self.room)
            return
        left_seconds = self._left_seconds()
        effort = self.purse.work(
            f"agent:{turn}",
            Assignment(
                self.approved.task.name,
                "dev",
                number,
                self.room.path,
                self._prompt(turn, number),
                AgentLimits(
                    wall_seconds=min(budget.attempt_seconds_max, left_seconds),
                    silence_seconds=policy.silence_seconds_max,
                    tool_calls_max=policy.tool_calls_max,
                ),
                protected=self.ctx.policy.guardrail.forbidden,
            ),
            self._known(turn - 1),
        )
        self.cut = self.purse.cut(effort, f"agent:{turn}")
        if effort.stop in _FATAL:
            raise StageFailed(
                f"agent_{effort.stop.value}", f"The agent cannot work: {effort.detail or effort.stop}."
            )

    def _prompt(self, turn: int, number: int) -> str:
        """Ask for the work, or after a gate's no for what cures its findings."""
        lessons = self.learnt.told(f"told:{turn}")
        if self.findings:
            return fix_prompt(self.approved, number, self.findings, lessons)
        return dev_prompt(self.approved, number, lessons)

    def _known(self, turns: int) -> dict[str, Any]:
        """Return what the loop has to know when it is held up after so many turns and entered again."""
        return {
            "turns": turns,
            "spent_before": self.spent_before,
            "findings": to_json(self.findings),
            "keys": self.keys,
            "typecheck_failures": self.typecheck_failures,
        }

    def _left_seconds(self) -> float:
        """Return the time that the stage has left; money is asked for where it is spent.

        Raises:
            StageFailed: the time of all tries together is spent.
        """
        used, limits = self.ctx.used(), self.ctx.limits
        finding = judge_spent(Spent(seconds=used.seconds), limits)
        if finding.ruling is not Ruling.PASS:
            why = " ".join([finding.message, *self.remarks[:3]])
            raise StageFailed(finding.code, why, findings=(finding,))
        return limits.seconds_max - used.seconds

    def _judge(
        self, turn: int, diff: Diff, strategy: Strategy, number: int
    ) -> tuple[Verdict, Examination, Risk]:
        ctx, plan = self.ctx, self.approved.plan
        guardrail = judge_diff(diff, plan, ctx.policy.guardrail)
        refused = any(finding.ruling is Ruling.FAIL for finding in guardrail)
        seen = examine(ctx, turn, self.base, diff, plan, refused=refused)
        by_recipe = bool(self.approved.task.request.recipe)
        scanned = scan(ctx, Patch(turn, self.base.files, diff, by_recipe))
        risk = worst(assess_diff(diff, plan, ctx.policy), scanned.risk)
        facts = QualityFacts(
            checks=seen.checks,
            expected_checks=_expected(ctx, seen),
            guardrail=guardrail,
            evidence=(*seen.evidence, *scanned.findings),
            owned_approved=True,  # a touched owned path makes the risk high, and review then asks a person
            iterations=number,
            diff_files=len(diff.files),
        )
        tried = None if self.cut else to_json(strategy)
        return ctx.judged(judge_quality(facts, ctx.policy), strategy=tried, commit=diff.head_sha), seen, risk

    def _learn(self, reasons: tuple[Finding, ...], failure: tuple[Finding, ...]) -> None:
        policy = self.ctx.policy.development
        self.findings = reasons
        if self.cut:
            return  # half-done work says nothing about the agent
        self.keys.append(failure_key(failure))
        if is_stuck(self.keys, policy.same_failure_max):
            raise StageFailed(
                "same_failure_again",
                f"The same failure came {policy.same_failure_max} times in a row. "
                + " ".join(self.remarks[:3]),
                findings=reasons,
            )
        if self._typecheck_spent(reasons):
            raise StageFailed("typecheck_spent", "The types are still wrong. " + " ".join(self.remarks[:3]))

    def _typecheck_spent(self, reasons: tuple[Finding, ...]) -> bool:
        names = {check.name for check in self.ctx.project.checks if check.kind == "types"}
        self.typecheck_failures += any(finding.evidence.get("check") in names for finding in reasons)
        return self.typecheck_failures >= self.ctx.policy.development.typecheck_attempts_max

    def _tested(
        self, collected: Collected, number: int, diff: Diff, seen: Examination, risk: Risk
    ) -> TestedPatch:
        patch = self.ctx.read("patch", self.ctx.forge.patch, self.base_sha, collected.head_sha)
        self.ctx.book("keep patch", self.ctx.ledger.save_artefact, self.approved.task.id, "patch.diff", patch)
        total = worst(risk, Risk(self.approved.risk, 0, self.approved.risk_factors))
        self.ctx.amend(commit_sha=collected.head_sha, risk=total.level)
        return TestedPatch(
            self.approved,
            self.branch,
            self.base_sha,
            collected.head_sha,
            collected.tree_sha,
            number,
            seen.checks,
            total.level,
            total.factors,
            tuple(sorted(diff.paths)),
            diff.lines,
            tuple(sorted(diff_categories(diff, self.approved.plan, self.ctx.policy.category))),
        )

    def _message(self) -> str:
        return commit_message(self.approved.plan, self.approved.task)


def _expected(ctx: Context, seen: Examination) -> tuple[str, ...]:
    """Return the checks that have to be among the results: every one, unless related tests said no before."""
    checks = ctx.project.checks
    return tuple(check.name for check in checks if not seen.early or check.related)


def branch_of(ctx: Context, approved: ApprovedPlan) -> str:
    """Return the branch of a task: prefix, number and a few words of the title."""
    task, branches = approved.task, ctx.project.branches
    prefix = branches.hotfix_prefix if task.request.hotfix else branches.feature_prefix
    slug = "-".join(re.findall(r"[a-z0-9]+", outgoing(approved.plan.title).lower()))[:40].strip("-")
    return f"{prefix}{task.number}-{slug or 'task'}"
