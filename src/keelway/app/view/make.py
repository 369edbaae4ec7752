"""Make views from what the book holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from keelway.app.view.sentence import is_loud, sentence, verdict_of
from keelway.app.view.task import (
    Asked,
    DeploymentView,
    GateView,
    Happened,
    LessonView,
    StageView,
    TaskLine,
)
from keelway.core.consent.quorum import group_line, lacking
from keelway.core.lesson.lesson import Lesson
from keelway.core.model.event import EventKind, Link
from keelway.core.model.role import Stage
from keelway.core.rule.approval import Binding, changed_since
from keelway.core.words.text import line
from keelway.ports.ledger import Deployment, Question, TaskRow

TITLE_CHARS_MAX = 120
_SHOWN_FIGURES_MAX = 40

Name = Callable[[str], str]
"""Return the short name of a task id, empty for what is no task."""


def task_line(row: TaskRow, questions: Iterable[Question] = ()) -> TaskLine:
    """Return a task as one row; ``questions`` are the open ones of all tasks."""
    request = row.task.request
    title = str((row.plan or {}).get("title") or request.text)
    waits = [question.binding.action for question in questions if question.task == row.task.id]
    return TaskLine(
        id=row.task.id,
        name=row.task.name,
        status=row.status.value,
        title=line(title, TITLE_CHARS_MAX),
        stage=row.stage,
        risk=row.risk,
        requested_by=str(request.requested_by),
        source=request.source.value,
        severity=request.severity.value,
        hotfix=request.hotfix,
        waits_for=waits[-1] if waits else "",
        paused=row.paused,
        abort_by=row.abort_by,
        code=row.code,
        error=row.error,
        iterations=row.iterations,
        cost_usd=row.cost_usd,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deployed_at=row.deployed_at,
        rolled_back_at=row.rolled_back_at,
    )


def asked(question: Question, name: str, others: Iterable[Question] = ()) -> Asked:
    """Return a question with the commands that answer it; ``others`` are all of the task, oldest first."""
    binding, approval = question.binding, question.approval
    terms, waits = question.terms, question.open and question.voided_at is None
    counted = {each.who for each in question.answers if terms.own_counts or not each.own_request}
    commands: tuple[str, ...] = ()
    if waits:
        commands = (f"keelway approve {name}", f"keelway reject {name}")
        if binding.action == "plan":
            commands = (commands[0], f'keelway revise {name} "..."', commands[1])
    return Asked(
        question.id,
        name,
        question.stage,
        binding.action,
        binding.environment,
        question.text,
        question.asked_at,
        question.expires_at,
        approval.answer if approval else "",
        str(approval.by) if approval else "",
        approval.remarks if approval else "",
        approval.at if approval else None,
        commands,
        binding.digest,
        bound_to(binding),
        _changed(question, others),
        tuple(f"{each.by}: {each.answer}" for each in question.answers),
        tuple(map(group_line, lacking(terms.groups, counted))) if waits else (),
    )


def bound_to(binding: Binding) -> tuple[str, ...]:
    """Say in words what an approval is about; what is empty is left out."""
    words = (
        ("action", binding.action),
        ("environment", binding.environment),
        ("commit", binding.head_sha),
        ("base", binding.base_sha),
        ("content", binding.tree_sha),
        ("plan version", str(binding.plan_version or "")),
        ("policy", binding.policy_digest),
    )
    return tuple(f"{name}: {value}" for name, value in words if value)


def _changed(question: Question, others: Iterable[Question]) -> tuple[str, ...]:
    """Compare a question with the one before about the same action in the same place."""
    same = (question.binding.action, question.binding.environment)
    before = [
        each
        for each in others
        if (each.binding.action, each.binding.environment) == same and each.asked_at < question.asked_at
    ]
    return changed_since(before[-1].binding, question.binding) if before else ()


def deployment_view(deployment: Deployment, name: Name) -> DeploymentView:
    """Return a deployment; the backup's inner record is left out of its figures."""
    figures = {key: value for key, value in deployment.figures.items() if key != "backup"}
    return DeploymentView(
        deployment.id,
        name(deployment.task),
        deployment.environment,
        deployment.release,
        deployment.sha,
        deployment.status,
        deployment.started_at,
        deployment.finished_at,
        deployment.previous_release,
        deployment.schema_before,
        deployment.schema_after,
        deployment.backup,
        dict(list(figures.items())[:_SHOWN_FIGURES_MAX]),
    )


def lesson_view(lesson: Lesson) -> LessonView:
    """Return a lesson without what only the comparison of strategies needs."""
    return LessonView(
        lesson.name,
        lesson.kind.value,
        lesson.outcome.value,
        lesson.title,
        lesson.text,
        lesson.task,
        lesson.asked_by,
        lesson.at,
        lesson.signature,
        lesson.files,
        lesson.told_at,
    )


def happened(link: Link, name: Name) -> Happened:
    """Return an event with its sentence."""
    event = link.event
    return Happened(
        link.sequence,
        event.at,
        event.kind.value,
        sentence(event),
        is_loud(event),
        name(event.task) if event.task else "",
        event.stage,
        event.attempt,
        event.actor,
        event.data,
        link.hash,
        link.previous,
    )


def gates_of(links: Iterable[Link]) -> tuple[GateView, ...]:
    """Return the last verdict of each gate; the gate that spoke last comes last."""
    found: dict[str, GateView] = {}
    for link in links:
        event = link.event
        if event.kind is not EventKind.GATE_JUDGED:
            continue
        try:
            verdict = verdict_of(event)
        except Exception:  # noqa: BLE001, S112 - a record of another version must not hide the others
            continue
        found.pop(verdict.gate, None)
        found[verdict.gate] = GateView(
            verdict.gate, verdict.ruling.value, event.at, verdict.findings, verdict.reasons
        )
    return tuple(found.values())


def stages_of(links: Iterable[Link], status: str) -> tuple[StageView, ...]:
    """Return the latest run of each of the seven stages, and of an undoing when there was one."""
    runs: dict[str, StageView] = {stage.value: StageView(stage.value, "waiting") for stage in Stage}
    for link in links:
        event = link.event
        if event.kind not in {EventKind.STAGE_STARTED, EventKind.STAGE_FINISHED} or not event.stage:
            continue
        output = event.data.get("output") or event.data
        before = runs.get(event.stage)
        same = before is not None and before.attempt == event.attempt
        began = event.kind is EventKind.STAGE_STARTED
        runs[event.stage] = StageView(
            event.stage,
            str(event.data.get("status", "running")),
            event.attempt,
            str(output.get("code", "")),
            str(output.get("message", "")),
            (before.started_at if same and before and before.started_at else event.at),
            None if began else event.at,
        )
    if status == "rolled_back" and runs[Stage.PRODUCTION.value].status == "passed":
        done = runs[Stage.PRODUCTION.value]
        undone = StageView(
            done.stage, "undone", done.attempt, done.code, done.message, done.started_at, done.finished_at
        )
        runs[Stage.PRODUCTION.value] = undone
    return tuple(runs.values())
