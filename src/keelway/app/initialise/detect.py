"""Find out what a repository is and which agents this machine has."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from keelway.app.initialise.draft import Draft, Repository
from keelway.app.initialise.other import recognise_go, recognise_node
from keelway.app.initialise.python import recognise

AGENTS: tuple[tuple[str, ...], ...] = (
    ("opencode", "acp"),
    ("claude-agent-acp",),
    ("codex-acp",),
    ("gemini", "--acp"),
)
"""Commands that speak the Agent Client Protocol, in the order in which they are preferred."""


def detect(root: Path, search_path: str) -> Draft:
    """Return the draft of a repository; nothing is run and nothing is altered.

    Args:
        root: top of the repository.
        search_path: where agents are looked for, in the form of ``PATH``.
    """
    repository = Repository(root)
    kinds = (recognise(repository), recognise_node(repository), recognise_go(repository))
    draft = next((found for found in kinds if found is not None), Draft("unknown"))
    agent = next((argv for argv in AGENTS if shutil.which(argv[0], path=search_path)), ())
    notes = list(draft.notes)
    if not agent:
        names = ", ".join(argv[0] for argv in AGENTS)
        notes.append(f"No coding agent was found ({names}); set [agent] before the first keelway ask.")
    if not any(check.kind == "tests" for check in draft.checks):
        notes.append("No tests were recognised; replace the command of the check called tests.")
    return replace(draft, agent=agent, notes=tuple(notes))


def project_name(root: Path) -> str:
    """Return a plain name from the name of the directory."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.resolve().name).strip("-._")
    return name[:63] or "project"
