"""Find out what a repository is and which agents this machine has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from keelway.app.agents.place import find
from keelway.app.agents.profile import load_profile, profile_names
from keelway.app.initialise.draft import Draft, Repository
from keelway.app.initialise.go import recognise_go
from keelway.app.initialise.node import recognise_node
from keelway.app.initialise.php import recognise_php
from keelway.app.initialise.python import recognise
from keelway.app.initialise.scanners import scanners_for

AGENTS = (
    *("opencode", "codex", "claude-code", "gemini", "qwen"),
    *("codex-exec", "opencode-run", "claude-print", "pi", "cline", "aider", "mini-swe-agent"),
)
"""Agents in the order in which they are preferred: first those that speak the Agent Client Protocol."""


def detect(root: Path, environ: Mapping[str, str]) -> Draft:
    """Return the draft of a repository; nothing is run and nothing is altered.

    Args:
        root: top of the repository.
        environ: says where agents and tools are looked for.
    """
    repository = Repository(root)
    known = [name for name in AGENTS if name in profile_names()]
    others = (recognise(repository, environ) for recognise in (recognise_go, recognise_php, recognise_node))
    found = [draft for draft in (recognise(repository), *others) if draft is not None]
    draft = found[0] if found else Draft("unknown")
    agent = next((name for name in known if find(load_profile(name).install, environ)), "")
    notes = [*draft.notes, *(_beside(other) for other in found[1:])]
    if not agent:
        notes.append("No coding agent was found; keelway agents list shows which there are.")
    notes.append("Name the model: provider and model under [agent], and a [[provider]] with its key.")
    if not any(check.kind == "tests" for check in draft.checks):
        notes.append("No tests were recognised; replace the command of the check called tests.")
    return replace(draft, agent=agent, scanners=scanners_for(repository), notes=tuple(notes))


def _beside(other: Draft) -> str:
    names = ", ".join(check.name for check in other.checks) or "none"
    return f"{other.language} was found as well; its checks ({names}) were left out: add a [[check]] for each that should count."


def project_name(root: Path) -> str:
    """Return a plain name from the name of the directory."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.resolve().name).strip("-._")
    return name[:63] or "project"
