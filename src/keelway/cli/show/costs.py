"""Money in text."""

from __future__ import annotations

from collections.abc import Iterable

from keelway.app.view.money import ArtefactText, ArtefactView, CapView, CostView
from keelway.cli.show.text import ago, say, table
from keelway.core.model.usage import UsageTotal
from keelway.core.words.text import amount, instant

_NOTHING = "-"


def costs_page(view: CostView) -> None:
    """Print what was used, a line for each group."""
    since = f" since {instant(view.since)}" if view.since else ""
    if not view.lines:
        say(f"Nothing was used{since}.")
        return
    cost_table(view.lines, view.by)
    total = view.total
    parts = [f"{amount(total.cost_usd)} in all{since}", f"{total.runs} runs", f"{total.requests} requests"]
    if total.estimated_usd:
        parts.append(f"{amount(total.estimated_usd)} of it estimated")
    say("", ", ".join(parts) + ".")


def cost_table(lines: Iterable[UsageTotal], by: tuple[str, ...]) -> None:
    """Print usage as rows; what was metered stands beside what agents report."""
    rows = [
        (
            *(getattr(line, name) or _NOTHING for name in by),
            line.runs,
            line.requests,
            f"{line.input_tokens:,}",
            f"{line.output_tokens:,}",
            f"{'~' if line.estimated_usd else ''}{amount(line.cost_usd)}",
            amount(line.metered_usd) if line.requests else _NOTHING,
            amount(line.reported_usd) if line.reported_usd or line.reported_tokens else _NOTHING,
        )
        for line in lines
    ]
    heads = (*(name.upper() for name in by), "RUNS", "REQUESTS", "IN", "OUT", "COST", "METERED", "REPORTED")
    table(heads, rows)


def cost_part(costs: tuple[UsageTotal, ...], caps: tuple[CapView, ...]) -> None:
    """Print what a task used, and how far its caps are."""
    if costs:
        say("", "Cost", style="bold")
        cost_table(costs, ("role", "agent"))
    for cap in caps:
        say(f"  {cap.sentence} ({cap.setting})", style="yellow" if cap.left <= 0 else "dim")


def artefact_part(task: str, artefacts: tuple[ArtefactView, ...]) -> None:
    """Print what is kept of a task and how to read it."""
    if not artefacts:
        return
    say("", "Kept", style="bold")
    table(
        ("NAME", "BYTES", "AGE", "HASH"),
        [
            (each.name, f"{each.size_bytes:,}", ago(each.at), each.reference.partition(":")[2][:12])
            for each in artefacts
        ],
    )
    say(f"Read one: keelway logs {task} --artefact NAME", style="dim")


def artefact_text(view: ArtefactText) -> None:
    """Print the content of what is kept, and nothing else."""
    print(view.text)
