"""The last layer of the judge: the running application is asked what its author has not seen."""

from __future__ import annotations

from keelway.core.judge.black_box import judge_promised, judge_same
from keelway.core.judge.question import Question, generated, promised
from keelway.core.model.diff import Diff
from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Finding, failed, passed
from keelway.ports.ci import CheckJob
from keelway.routines.context import Context

_PATCH = "black_box"


def ask_box(ctx: Context, turn: int, diff: Diff, plan: Plan) -> tuple[Finding, ...]:
    """Ask the new release the plan's examples, and both releases the same questions; one step for all of it.

    A run that began before there was this layer goes on without it.
    """
    boxes, mode = ctx.project.black_boxes, ctx.policy.development.black_box
    if mode == "off":
        return (passed("black_box_off", "The policy does not ask that the running application is asked."),)
    if not boxes:
        said = "No [[black_box]] is configured: the running application is not asked before the merge."
        if mode == "when_configured":
            return (passed("black_box_not_configured", said),)
        return (failed("black_box_missing", f"{said} The policy requires it.", examined=0),)
    if not ctx.engine.patch(_PATCH):
        return ()
    same = generated(boxes, f"{ctx.key('black box')}/{turn}/{diff.head_sha}")
    if not same and not promised(plan, boxes):
        said = "There is nothing to ask: the plan has no examples, and no [[black_box]] has asks."
        return (failed("black_box_empty", said, examined=0),)
    return _asked(ctx, turn, diff, plan, same)


def _asked(
    ctx: Context, turn: int, diff: Diff, plan: Plan, same: tuple[Question, ...]
) -> tuple[Finding, ...]:
    asked = promised(plan, ctx.project.black_boxes)
    new = _job(ctx, diff.head_sha, (*(question for question, _ in asked), *same))
    old = (_job(ctx, diff.base_sha, same),) * 2 if same else ()
    reports = ctx.act(f"black box:{turn}", ctx.ci.check_all, (new, *old))
    broken = next((report.setup_error for report in reports if report.setup_error), "")
    if broken:
        return (failed("black_box_setup", f"The application could not be set up: {broken}", examined=0),)
    answers = reports[0].answers
    findings: list[Finding] = []
    if asked:
        findings.append(judge_promised(asked, answers[: len(asked)], hidden=len(plan.examples)))
    if same:
        findings += judge_same(same, reports[1].answers, reports[2].answers, answers[len(asked) :], plan)
    return tuple(findings)


def _job(ctx: Context, sha: str, questions: tuple[Question, ...]) -> CheckJob:
    return CheckJob(sha, (), purpose="black-box", task=ctx.scene.subject, questions=questions)
