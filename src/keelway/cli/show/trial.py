"""A trial of the sandbox in text."""

from __future__ import annotations

from keelway.cli.show.text import say, table
from keelway.core.cage.attack import Outcome, Trial

_LOUD = {Outcome.ESCAPED: "ESCAPED"}
_NOTE_CHARS_MAX = 80


def trial_page(trial: Trial) -> None:
    """Print every attack with its outcome, and what they show together."""
    rows = [
        (
            row.attack.group,
            row.attack.title,
            _LOUD.get(row.outcome, row.outcome.value),
            row.note if row.outcome is not Outcome.BLOCKED else row.note[:_NOTE_CHARS_MAX],
        )
        for row in trial.rows
    ]
    table(("GROUP", "ATTACK", "RESULT", "HOW"), rows)
    say("", trial.sentence, style="green" if trial.passed else "bold red")
