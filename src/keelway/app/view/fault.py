"""An error as three lines: what happened and why, what to do next, and the code."""

from __future__ import annotations

from keelway.core.errors import KeelwayError
from keelway.core.words.text import clean


def three_lines(error: KeelwayError) -> str:
    """Return an error for a terminal."""
    next_step = error.hint or "keelway doctor"
    return f"Error: {clean(error.message)}\nNext:  {clean(next_step)}\nCode:  {error.code} (exit {error.exit_code})"
