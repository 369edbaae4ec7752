"""What goes wrong in this release: nothing. A bad release replaces these four."""

from __future__ import annotations

from typing import Any

from common import Asked, Said

FEATURE = "pier"
"""What this release brought, as its plan promised."""


def begin(process: str) -> None:
    """Do something when a process begins."""


def instead(asked: Asked) -> Said | None:
    """Answer in place of the pier."""
    return None


def after(asked: Asked, said: Said) -> Said:
    """Alter an answer."""
    return said


def work(job: dict[str, Any]) -> None:
    """Do something before a job is worked on."""
