"""Tasks in text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from keelway.app.view.task import (
    Asked,
    DeploymentView,
    Explanation,
    GateView,
    Happened,
    LogView,
    PatchView,
    PlanView,
    StageView,
    TaskLine,
    TaskView,
)
from keelway.cli.show.costs import artefact_part, cost_part
from keelway.cli.show.lessons import taught
from keelway.cli.show.text import ago, brief, clock, console, facts, number, say, table
from keelway.core.words.text import amount, duration, short

_LIST_FIELDS = (
    "create",
    "modify",
    "delete",
    "dependencies",
    "migrations",
    "test_grants",
    "risks",
    "test_plan",
)


def task_table(lines: Iterable[TaskLine]) -> None:
    """Print tasks as rows."""
    lines = tuple(lines)
    if not lines:
        say('No tasks yet. Next: keelway ask "..."')
        return
    dear = any(line.cost_usd for line in lines)
    rows = [
        (
            line.name,
            _status(line),
            line.risk,
            *((amount(line.cost_usd) if line.cost_usd else "",) if dear else ()),
            line.requested_by,
            ago(line.created_at),
            line.title,
        )
        for line in lines
    ]
    table(("TASK", "STATUS", "RISK", *(("COST",) if dear else ()), "ASKED BY", "AGE", "WHAT"), rows)


def opened(line: TaskLine) -> None:
    """Print that a task was opened or altered."""
    said = "paused" if line.paused else line.status
    if line.abort_by and line.open:
        said = "ends at its next effect"
    say(f"{line.name}: {said}. Next: keelway watch {line.name}")


def answered(asked: Asked) -> None:
    """Print that a question was answered."""
    about = f"{asked.action} {asked.environment}".rstrip()
    if not asked.answer:
        say(f"{asked.task}: {about}: recorded ({', '.join(asked.said)}). Still needed is the yes of:")
        say(*(f"  {each}" for each in asked.needed))
        return
    say(f"{asked.task}: {about}: {asked.answer} by {asked.answered_by}. Next: keelway watch {asked.task}")


def bound(asked: Asked) -> None:
    """Print exactly what an answer is about, and what changed since the question before."""
    say(f"{asked.task}: {asked.digest}", *(f"  {each}" for each in asked.about))
    if asked.changed:
        say("Changed since it was asked before:", *(f"  {each}" for each in asked.changed))


def task_page(view: TaskView) -> None:
    """Print everything about a task."""
    line = view.line
    facts(
        (
            ("task", f"{line.name}  {line.title}"),
            ("status", _status(line)),
            ("request", view.request),
            (
                "asked by",
                f"{line.requested_by} ({line.source}, {line.severity}{', hotfix' if line.hotfix else ''})",
            ),
            ("risk", line.risk),
            ("retry of", view.retry_of),
            ("branch", view.branch),
            ("pull request", f"#{view.pull_request}" if view.pull_request is not None else ""),
            ("commit", short(view.commit_sha) if view.commit_sha else ""),
            ("iterations", line.iterations or ""),
            ("cost", amount(line.cost_usd) if line.cost_usd else ""),
            ("error", f"{brief(line.error)} [{line.code}]" if line.error else ""),
        )
    )
    say("", "Stages", style="bold")
    stage_table(view.stages)
    _gates(view.gates)
    _checks(view)
    _deployments(view.deployments)
    cost_part(view.costs, view.caps)
    artefact_part(line.name, view.artefacts)
    taught(view.lessons)
    questions(view.questions)


def stage_table(stages: Iterable[StageView]) -> None:
    """Print stages as rows."""
    rows = [
        (stage.stage, stage.status, stage.attempt or "", _took(stage), brief(stage.message))
        for stage in stages
    ]
    table(("STAGE", "STATUS", "RUN", "TOOK", "SAID"), rows)


def questions(asked: Iterable[Asked]) -> None:
    """Print questions, the open ones with the commands that answer them."""
    for each in asked:
        about = f"{each.action} {each.environment}".rstrip()
        if each.answer:
            say(
                "",
                f"{about}: {each.answer} by {each.answered_by} {ago(each.answered_at)} {each.remarks}".rstrip(),
            )
            continue
        say("", f"{each.task} waits for you: {about}", style="yellow")
        say(each.text.rstrip())
        bound(each)
        for word in (
            *(f"said {said}" for said in each.said),
            *(f"needed {needed}" for needed in each.needed),
        ):
            say(f"  {word}")
        for command in each.commands:
            say(f"  {command}", style="bold")


def plan_page(view: PlanView) -> None:
    """Print a plan."""
    plan = view.plan
    if not plan:
        say(f"{view.task} has no plan yet. Next: keelway watch {view.task}")
        return
    facts(
        (
            ("plan", f"{view.task} version {view.version}: {plan.get('title', '')}"),
            ("kind", plan.get("kind", "")),
            ("risk", view.risk),
            ("approach", plan.get("approach", "")),
            *((name.replace("_", " "), ", ".join(map(str, plan.get(name) or ()))) for name in _LIST_FIELDS),
            ("probes", ", ".join(_probe(probe) for probe in plan.get("probes") or ())),
            ("usage", plan.get("usage", "")),
        )
    )
    if view.question is not None:
        questions((view.question,))


def patch(view: PatchView) -> None:
    """Print a patch, coloured on a terminal."""
    screen = console()
    if not screen.is_terminal:
        print(view.patch)
        return
    from rich.syntax import Syntax

    screen.print(Syntax(view.patch, "diff", background_color="default", word_wrap=True))


def explanation(view: Explanation) -> None:
    """Print why a task is where it is."""
    facts(
        (
            ("task", f"{view.task} is {view.status}{f', in {view.stage}' if view.stage else ''}"),
            ("because", view.because),
            ("gate", f"{view.gate}: {view.ruling}" if view.gate else ""),
            *(("value", f"{reason.message} [{reason.code}]") for reason in view.reasons[:8]),
            ("rule", view.rule),
            ("next", view.next),
            ("you can", view.command),
        )
    )


def log_page(view: LogView) -> None:
    """Print what stages, checks and agents said."""
    stage_table(view.stages)
    for check in view.checks:
        say("", f"check {check.name}: {'passed' if check.passed else 'failed'}", style="bold")
        say(check.detail or "(said nothing)")
    for each in view.transcripts:
        say("", f"agent run {each.run} ({each.path}), the end of it:", style="bold")
        say(*(_turn(row) for row in each.tail.splitlines()[-40:]))
    artefact_part(view.task, view.artefacts)


def event(happened: Happened) -> str:
    """Return an event as one line."""
    task = f"{happened.task} " if happened.task else ""
    return f"{clock(happened.at)} {task}{happened.text}"


def event_lines(events: Iterable[Happened]) -> None:
    """Print events, one line each, with their place in the chain."""
    rows = [
        (each.sequence, f"{each.at:%Y-%m-%d %H:%M:%S}", each.task, each.actor, each.kind, each.text)
        for each in events
    ]
    table(("NO", "AT (UTC)", "TASK", "BY", "KIND", "WHAT"), rows)


def _status(line: TaskLine) -> str:
    if line.paused and line.open:
        return f"{line.status} (paused)"
    return f"{line.status} (asks: {line.waits_for})" if line.waits_for else line.status


def _took(stage: StageView) -> str:
    if stage.started_at is None or stage.finished_at is None:
        return ""
    return duration((stage.finished_at - stage.started_at).total_seconds())


def _gates(gates: tuple[GateView, ...]) -> None:
    if gates:
        say("", "Gates", style="bold")
        shown = [
            (gate.gate, gate.ruling, " ".join(brief(f.message) for f in gate.reasons or gate.findings))
            for gate in gates
        ]
        table(("GATE", "RULING", "WHY"), shown)


def _checks(view: TaskView) -> None:
    if view.checks:
        say("", f"Checks of {short(view.checks[0].sha)}", style="bold")
        rows = [(check.name, "passed" if check.passed else "failed", check.examined) for check in view.checks]
        table(("CHECK", "RESULT", "EXAMINED"), rows)


def _deployments(deployments: tuple[DeploymentView, ...]) -> None:
    if deployments:
        say("", "Deployments", style="bold")
        deployment_table(deployments)


def deployment_table(deployments: Iterable[DeploymentView]) -> None:
    """Print deployments as rows."""
    rows = [
        (
            each.release,
            each.status,
            each.environment,
            each.task or "by hand",
            ago(each.started_at),
            _figures(each.figures),
        )
        for each in deployments
    ]
    table(("RELEASE", "STATUS", "ENVIRONMENT", "TASK", "AGE", "FIGURES"), rows)


def _figures(figures: dict[str, Any]) -> str:
    shown = [
        (name, value)
        for name, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    return ", ".join(f"{name}={number(value)}" for name, value in shown[:4])


def _probe(probe: dict[str, Any]) -> str:
    return f"{probe.get('method', 'GET')} {probe.get('path', '')} -> {probe.get('status', 200)}"


def _turn(row: str) -> str:
    """Return one line of a transcript, shortened."""
    try:
        plain = json.loads(row)
    except ValueError:
        return row[:300]
    return json.dumps(plain, ensure_ascii=False)[:300]
