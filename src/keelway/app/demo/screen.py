"""What is shown while the demo runs: lines as things happen, and on a terminal a live track below them."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from keelway.app.demo.row import Row
from keelway.app.view.task import StageView

WIDTH_OFF_TERMINAL = 160
_MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▶", "bold cyan"),
    "held": ("?", "yellow"),
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "undone": ("↺", "yellow"),
}


@dataclass
class Screen:
    """Write to a terminal, or plain lines to whatever reads them."""

    console: Console
    began: float = field(default_factory=time.monotonic)
    _live: Live | None = None
    _track: Text = field(default_factory=Text)

    @classmethod
    def open(cls, *, beside: bool) -> Screen:
        """Open the standard output, or what goes beside it when that is for a machine."""
        stream = sys.stderr if beside else sys.stdout
        terminal = stream.isatty()
        width = None if terminal else WIDTH_OFF_TERMINAL
        console = Console(file=stream, highlight=False, width=width, soft_wrap=not terminal)
        return cls(console)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()

    def rest(self) -> None:
        """Leave the live track."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def seconds(self) -> float:
        """Return how long the demo has been running."""
        return time.monotonic() - self.began

    def say(self, text: str = "", style: str = "") -> None:
        """Write one line."""
        self.console.print(Text(text, style=style))

    def title(self, letter: str, intro: str) -> None:
        """Begin an act."""
        self.say()
        self.say(f"{letter}  {intro}", "bold")

    def event(self, letter: str, text: str, style: str = "") -> None:
        """Write what happened, with the time and the act that it belongs to."""
        self.console.print(Text(f"{self.seconds:7.1f} s  {letter} │ ", style="dim").append(text, style=style))

    def track(self, about: str, stages: tuple[StageView, ...], traffic: str) -> None:
        """Draw the seven stages and the traffic, on a terminal only."""
        if self._live is None:
            return
        text = Text(f" {self.seconds:5.1f} s  {about:4} ")
        for stage in stages:
            mark, style = _MARKS.get(stage.status, ("·", "dim"))
            text.append(f" {mark} {stage.stage} ", style=style)
        text.append(f"  {traffic}", style="dim")
        self._live.update(text, refresh=True)

    def table(self, rows: list[Row]) -> None:
        """Write the table of all acts."""
        self.rest()
        self.console.print(_table(rows))


def _table(rows: list[Row]) -> RenderableType:
    table = Table(title="What happened", title_justify="left", title_style="bold", show_lines=False)
    table.add_column("act")
    table.add_column("what happened", overflow="fold")
    for name in ("served", "failed", "errors before\nthe verdict", "verdict to\nhealthy", "rows\nlost"):
        table.add_column(name, justify="right")
    for row in rows:
        mark = Text("✓ " if row.ok else "✗ ", style="green" if row.ok else "bold red")
        table.add_row(mark.append(row.act), Text(row.happened), *row.figures())
    wrong = [Text(f"act {row.act}: {text}", style="bold red") for row in rows for text in row.wrong]
    return Group(table, *wrong)
