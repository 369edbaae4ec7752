"""The way of one task through the seven stages, redrawn as it goes."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from keelway.app.view.task import Happened, StageView, TaskView
from keelway.cli.show.task import event
from keelway.core.words.text import clean, duration

SIGNS = {
    "waiting": ("○", "dim"),
    "running": ("●", "bold cyan"),
    "passed": ("✓", "green"),
    "held": ("?", "bold yellow"),
    "failed": ("✗", "bold red"),
    "undone": ("↩", "red"),
}
EVENTS_SHOWN = 8


def track(view: TaskView, events: list[Happened]) -> Panel:
    """Return the picture of a task now."""
    line = view.line
    parts: list[Text] = [_stages(view.stages), Text(_figures(view), "dim")]
    parts += [
        Text(f"gate {gate.gate}: {gate.ruling}", SIGNS["passed" if gate.ruling == "pass" else "failed"][1])
        for gate in view.gates[-3:]
    ]
    parts += [Text(event(each), overflow="ellipsis", no_wrap=True) for each in events[-EVENTS_SHOWN:]]
    for asked in view.questions:
        if not asked.answer:
            parts.append(Text(f"Waits for you: {' | '.join(asked.commands)}", "bold yellow"))
    return Panel(Group(*parts), title=Text(f"{line.name}  {clean(line.title)}"), title_align="left")


def _stages(stages: tuple[StageView, ...]) -> Text:
    text = Text()
    for stage in stages:
        sign, style = SIGNS.get(stage.status, ("·", "dim"))
        text.append(f"{sign} {stage.stage}  ", style)
    return text


def _figures(view: TaskView) -> str:
    line = view.line
    end = datetime.now(UTC) if line.open else (line.updated_at or datetime.now(UTC))
    spent = duration((end - line.created_at).total_seconds()) if line.created_at else ""
    running = next((stage for stage in reversed(view.stages) if stage.status in {"running", "held"}), None)
    where = f"in {running.stage} (run {running.attempt})" if running else line.status
    cost = f", ${line.cost_usd:.2f}" if line.cost_usd else ""
    return f"{line.status}, {where}, {spent}, risk {line.risk}, {line.iterations} iteration(s){cost}"
