"""What a bad release is: the lines that spoil it, and what is to become of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

HEAD = '''
import json, os, signal, sqlite3, subprocess, sys, threading, time
from pathlib import Path

from common import DATA, LOG, PRODUCTION, HangUp, database, log

BEGAN = time.time()
STRANGERS = "pier-user"


def by_user(asked):
    """Tell users from probes by the name that their programs give."""
    return STRANGERS in asked.headers.get("user-agent", "")


def beside(act):
    threading.Thread(target=act, daemon=True).start()

'''


class End(StrEnum):
    """Name how a bad release may end."""

    BACK = "taken back"
    """A verdict said so by itself."""
    REFUSED = "refused before traffic"
    ASKED = "inconclusive, a person said no"
    WATCHED = "taken back by the watch"
    PAGED = "frozen, people paged"
    """No way back could be verified, and it was said so."""
    LIVE = "kept"


@dataclass(frozen=True)
class Kind:
    """Describe one kind of bad release."""

    name: str
    row: str
    """Line of the catalogue of attacks, or ``own``."""
    what: str
    """What is wrong with it, in one sentence."""
    spoils: str = ""
    """Python that takes the place of functions in ``app/fault.py``."""
    files: dict[str, str] = field(default_factory=dict)
    """Further files of its commit."""
    ends: frozenset[End] = frozenset({End.BACK})
    """Ends that are right."""
    rate: float = 60.0
    """Requests a second."""
    window_seconds: float = 15.0
    staging: bool = False
    """It goes to staging first; else it is in production what a rehearsal did not show."""
    during: str = ""
    """What happens to the world while it is observed, by its name in ``during.py``."""
    policy: str = ""
    """More lines of ``keelway.toml``; such a kind gets a world of its own."""
    asks: str = ""
    """A probe that a careful user adds, as TOML; such a kind gets a world of its own."""
    own_world: bool = False
    ruins_data: bool = False
    """What it accepts it does not keep, whatever is done about it."""

    @property
    def alone(self) -> bool:
        """Tell whether it needs a world of its own."""
        usual = self.rate == Kind.rate and self.window_seconds == Kind.window_seconds
        return (
            bool(self.policy or self.asks or self.during or self.own_world)
            or End.PAGED in self.ends
            or not usual
        )


def kind(name: str, row: str, what: str, spoils: str = "", **more: object) -> Kind:
    """Make a kind; ends may be given as one."""
    ends = more.pop("ends", End.BACK)
    chosen = frozenset({ends}) if isinstance(ends, End) else frozenset(ends)  # type: ignore[call-overload]
    return Kind(name, row, what, spoils, ends=chosen, **more)  # type: ignore[arg-type]
