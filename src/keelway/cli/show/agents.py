"""The coding agents in text."""

from __future__ import annotations

from keelway.app.agents.install import Installed
from keelway.app.agents.table import AgentRow, Tried
from keelway.cli.show.text import facts, say, table

HEADERS = ("AGENT", "KIND", "SPEAKS", "LICENCE", "INSTALLED", "TESTED WITH", "REALLY RUN")


def listed(rows: tuple[AgentRow, ...]) -> None:
    """Print the known agents."""
    table(HEADERS, [_line(row) for row in rows])
    say("", "Try one: keelway agents test NAME. Install one: keelway agents install NAME.")


def tried(found: Tried) -> None:
    """Print what came of trying an agent out."""
    row = found.row
    facts(
        (
            ("agent", f"{row.title} ({row.kind}, {row.licence})"),
            ("program", row.program),
            ("version", f"{found.version or row.found or 'not told'}, tested with {row.pinned}"),
            ("speaks", " or ".join(row.apis) or "its own way"),
            ("sandbox", found.cage),
            ("really run", row.really_run or "not by our tests"),
        )
    )
    say("", *(f"Note: {quirk}" for quirk in found.quirks))
    if found.answers:
        say("It answers.", f"Next: {found.next}", style="green")
    else:
        say(f"It does not answer: {found.detail or 'no reason given'}", f"Next: {found.next}", style="red")


def installed(done: tuple[Installed, ...]) -> None:
    """Print where agents were installed."""
    for each in done:
        how = "was installed" if each.fresh else "is there already"
        say(f"{each.name} {each.version} {how}: {each.program}")
    say("", *(f"Next: keelway agents test {each.name}" for each in done[:1]))


def _line(row: AgentRow) -> tuple[str, ...]:
    here = row.found or ("yes" if row.program else "no")
    speaks = " or ".join(row.apis) or "-"
    return (row.name, row.kind, speaks, row.licence, here, row.pinned, row.really_run or "no")
