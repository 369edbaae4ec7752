"""Attack the sandbox of agents and say what got through."""

from __future__ import annotations

import os
from collections.abc import Callable

from keelway.app.sections import SandboxSection
from keelway.clients.cage import Cage, Settings, choose_cage
from keelway.clients.cage.cage import CageFacts
from keelway.clients.trial import Subject, try_cage
from keelway.core.cage.attack import Trial, judge_trial
from keelway.core.errors import YourFault

UID = 61_000
"""User of a cage where we are root and none is configured."""
_WITHIN = {"container": ("python3", "-I", "-S")}
"""Interpreter inside, where it is not ours."""


def attack(section: SandboxSection, name: str, tell: Callable[[str], None]) -> Trial:
    """Run the battery against the configured cage, or the one that is named.

    Raises:
        YourFault: there is no such cage, or it does not work here.
    """
    cage = chosen(section, name)
    facts = cage.facts()
    if not facts.works:
        raise YourFault(
            "cage_broken",
            f"The sandbox {facts.name} does not work here: {'; '.join(facts.missing)}.",
            "install what is missing, or name another one: keelway doctor sandbox --cage landlock",
        )
    tell(_introduced(facts))
    seen = try_cage(Subject(cage, uid_of(section), _WITHIN.get(cage.name, ())), tell)
    return judge_trial(cage.name, seen.fenced, seen.control, seen.trouble)


def chosen(section: SandboxSection, name: str = "") -> Cage:
    """Return the cage that is configured, or the one that is named.

    Raises:
        YourFault: there is no such cage, or none works here.
    """
    return choose_cage(
        name or section.use, Settings(section.uid, section.image, section.read, section.engine)
    )


def uid_of(section: SandboxSection) -> int:
    """Return the user that a cage drops to on this host; 0 for our own."""
    return (section.uid or UID) if os.geteuid() == 0 else 0


def _introduced(facts: CageFacts) -> str:
    lacks = f" It does not hold: {'; '.join(facts.missing)}." if facts.missing else ""
    limits = f", limits by {facts.limits}" if facts.limits else ""
    return f"{facts.name}{limits}.{lacks}"
