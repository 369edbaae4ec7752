"""Say why a task is where it is: the gate, its value, its rule, and how it goes on."""

from __future__ import annotations

from dataclasses import replace

from keelway.app.view.task import Asked, Explanation, GateView, StageView, TaskLine
from keelway.core.policy import Policy
from keelway.core.rule.allowance import SPEND
from keelway.core.rule.freeze import Freeze
from keelway.core.words.text import duration, line

_RULES = {
    "intake": "policy.intake: who may ask, how often, and what counts as a request",
    "plan": "policy.plan.auto_approve_risk, and policy.review.approve_stages",
    "quality": "policy.development and policy.guardrail: checks, tests, coverage, scope",
    "merge": "policy.review.auto_merge_risk: checks for this commit, no conflict, approval",
    "staging": "policy.staging: probes, error limits, and a rehearsed way back",
    "production": "policy.production: probes and error limits over the window",
    "watch": "policy.watch: the look after a release went live",
}
_NEXT = {
    "research": "the request is judged by the intake gate",
    "planning": "an agent writes a plan; the plan gate weighs its risk",
    "developing": "the agent works until every check and the judge are satisfied",
    "testing": "the judge examines the patch on clean checkouts",
    "pr_open": "the pull request is reviewed, checked and merged",
    "staging": "the merged commit is deployed to staging and the way back is rehearsed",
    "observing": "the release is watched; it passes, or it is rolled back by itself",
    "promoting": "the staged commit is merged into the production branch and deployed",
    "deployed": "the release stays watched for a day",
}


def explain(
    task: TaskLine,
    gates: tuple[GateView, ...],
    stages: tuple[StageView, ...],
    questions: tuple[Asked, ...],
    freeze: Freeze,
    policy: Policy,
) -> Explanation:
    """Return the reason that counts most: the end, a question, a hold, then the last gate."""
    base = Explanation(task.name, task.status, task.stage, "", next=_NEXT.get(task.status, ""))
    base = _with_gate(base, gates, task)
    waiting = [question for question in questions if not question.answer]
    if not task.open:
        return _closed(base, task)
    if waiting:
        return _asked(base, waiting[-1], policy)
    if task.abort_by:
        return replace(
            base,
            because=f"{task.abort_by} asked to abort it; it is being undone.",
            next="what it did is undone",
        )
    if task.paused:
        return replace(
            base,
            because="A person paused it; it holds at its next effect.",
            next="nothing until it is resumed",
            command=f"keelway resume {task.name}",
        )
    if freeze.active:
        why = f": {line(freeze.reason)}" if freeze.reason else "."
        return replace(
            base,
            because=f"{freeze.by or 'Somebody'} froze every effect{why}",
            rule="the emergency stop",
            next="nothing until it is lifted",
            command="keelway unfreeze",
        )
    return replace(base, because=_running(stages), command=f"keelway watch {task.name}")


def _with_gate(base: Explanation, gates: tuple[GateView, ...], task: TaskLine) -> Explanation:
    if not gates:
        return base
    last = gates[-1]
    shown = last.reasons or last.findings
    rule = _RULES.get(last.gate, f"policy of the gate {last.gate}")
    if task.code and last.ruling == "pass" and not task.open and task.status != "deployed":
        return base  # what ended it was no gate; its own message tells
    return replace(base, gate=last.gate, ruling=last.ruling, reasons=shown, rule=rule)


def _closed(base: Explanation, task: TaskLine) -> Explanation:
    if task.status == "deployed":
        return replace(
            base,
            because="It passed every gate and is live.",
            command=f"keelway rollback {task.name} takes it back",
        )
    words = {"failed": "It failed", "rolled_back": "It was rolled back", "aborted": "It was aborted"}
    error = f": {line(task.error, 600)}" if task.error else "."
    return replace(
        base,
        because=f"{words.get(task.status, task.status)}{error} [{task.code or 'no code'}]",
        next="nothing; a closed task stays closed",
        command=f"keelway retry {task.name}",
    )


def _asked(base: Explanation, question: Asked, policy: Policy) -> Explanation:
    silence = "counts as a no" if policy.review.approval_expiry == "deny" else "keeps it waiting"
    because = f"It waits for a person to say yes to: {question.action} {question.environment}".rstrip() + "."
    if question.action == SPEND:  # the amounts are the reason
        because = line(question.text.partition("\n")[0], 600)
    return replace(
        base,
        because=because,
        rule="policy.budget and policy.gateway" if question.action == SPEND else base.rule,
        next=f"no answer within {duration(policy.review.approval_seconds_max)} {silence}",
        command=" | ".join(question.commands),
    )


def _running(stages: tuple[StageView, ...]) -> str:
    running = [stage for stage in stages if stage.status in {"running", "held"}]
    if not running:
        return "Between two stages."
    stage = running[-1]
    said = f": {line(stage.message)}" if stage.message else "."
    word = "The stage runs" if stage.status == "running" else "The stage waits"
    return f"{word}: {stage.stage} (run {stage.attempt}){said}"
