"""List the agents that Keelway knows, and try one out on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keelway.app.agents.fence import fence_of
from keelway.app.agents.make import is_profile, launch_of
from keelway.app.agents.place import find
from keelway.app.agents.profile import ACP, Profile, load_profile, profile_names
from keelway.app.agents.proven import CASES, proven
from keelway.app.config import Config
from keelway.app.registry import load
from keelway.app.sections import AgentSection, SandboxSection
from keelway.core.errors import YourFault
from keelway.ports.agent import Agent

_PROBE_MODEL = "probe"


@dataclass(frozen=True)
class AgentRow:
    """Describe one known agent as it is found on this machine."""

    name: str
    title: str
    kind: str
    licence: str
    apis: tuple[str, ...]
    pinned: str
    """The version that the profile was written for."""
    found: str
    """The version that is installed; empty when it is not, or does not say."""
    program: str
    """Where it is installed; empty when it is not."""
    really_run: str
    """The version that our tests ran, and through how many of their cases; empty for none."""


@dataclass(frozen=True)
class Tried:
    """Say what came of trying an agent out."""

    row: AgentRow
    answers: bool
    version: str
    cage: str
    detail: str
    quirks: tuple[str, ...]
    next: str


def agent_rows(environ: Mapping[str, str]) -> tuple[AgentRow, ...]:
    """Return every agent that Keelway knows, without starting any."""
    return tuple(row_of(load_profile(name), environ) for name in profile_names())


def row_of(profile: Profile, environ: Mapping[str, str]) -> AgentRow:
    """Return how one agent is found here."""
    place, seen = find(profile.install, environ), proven().get(profile.name)
    return AgentRow(
        name=profile.name,
        title=profile.title,
        kind=profile.kind,
        licence=profile.licence,
        apis=profile.apis,
        pinned=profile.install.version,
        found=place.version if place else "",
        program=place.program if place else "",
        really_run=f"{seen.version}, {len(seen.cases)} of {len(CASES)} cases" if seen else "",
    )


def try_out(name: str, config: Config | None, environ: Mapping[str, str]) -> Tried:
    """Start an agent behind its fence, greet it or ask for its version, and end it.

    Raises:
        YourFault: there is no such agent, or it is not installed.
    """
    if not is_profile(name):
        known = ", ".join(profile_names())
        raise YourFault("unknown_agent", f"There is no agent called {name!r}.", f"use one of: {known}")
    profile = load_profile(name, config.repository if config else None)
    fence = fence_of(config.file.sandbox if config else SandboxSection())
    with tempfile.TemporaryDirectory(prefix="keelway-agent-") as folder:
        launch = launch_of(profile, AgentSection(model=_PROBE_MODEL), str(Path(folder) / "runs"), fence)
        agent: Agent = (
            load("agent", ACP)(launch)
            if profile.kind == ACP
            else load("agent", "command")(launch, profile.output)
        )
        facts = agent.probe()
    return Tried(
        row=row_of(profile, environ),
        answers=facts.installed,
        version=facts.version,
        cage=fence.cage.name,
        detail=facts.detail,
        quirks=profile.quirks,
        next=_next(profile, answers=facts.installed),
    )


def _next(profile: Profile, *, answers: bool) -> str:
    if not answers:
        return f"keelway agents install {profile.name}"
    model = ', provider = "..." and model = "..."' if profile.apis else ""
    return f'set use = "{profile.name}"{model} under [agent], then keelway doctor'
