"""A real agent of a profile behind the real sandbox and the real gateway, with a scripted model at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.agents.model_server import ModelServer, Script, calc_workspace

from keelway.app.agents.fence import fence_of, user_of
from keelway.app.agents.make import from_profile
from keelway.app.agents.place import find
from keelway.app.agents.profile import Profile, load_profile
from keelway.app.sections import AgentSection, SandboxSection
from keelway.clients.egress import Egress
from keelway.clients.gateway.gateway import Gateway
from keelway.clients.gateway.values import ANY_MODEL, Allowance, Entry, GatewayLimits, Price, Provider
from keelway.ports.agent import Agent, AgentLimits, Assignment, Effort

MODEL = "scripted-1"
PROVIDER = "scripted"
TASK = "T-7"
WALL_SECONDS = 300.0
OUTPUT_USD = 10_000.0
"""Of a million tokens; a turn of the scripts writes fifty and costs half a dollar."""


@dataclass
class Rig:
    """One agent, one workspace, one gateway, one model."""

    profile: Profile
    agent: Agent
    server: ModelServer
    folder: Path
    workspace: Path
    cage: str
    gateway: Gateway
    entries: list[Entry] = field(default_factory=list)

    def work(
        self, *, writes: bool = True, protected: tuple[str, ...] = (), prompt: str = "", **limits: Any
    ) -> Effort:
        bounds = AgentLimits(**({"wall_seconds": WALL_SECONDS, "silence_seconds": WALL_SECONDS} | limits))
        prompt = prompt or f"Task: {TASK}\nRole: dev\nAttempt: 1\n\nMend calc.py so that add adds."
        order = Assignment(TASK, "dev", 1, str(self.workspace), prompt, bounds, writes, protected)
        return self.agent.work(order)

    def text(self, name: str) -> str:
        path = self.workspace / name
        return path.read_text() if path.exists() else ""

    def kept(self) -> str:
        """Everything that the run left in writing."""
        return "\n".join(record.text for record in self.agent.record(TASK, "dev", 1))


@contextmanager
def stand(
    name: str,
    *scripts: Script,
    key: str = "",
    silence_seconds: float = 300.0,
    dollars: bool = False,
    sandbox: SandboxSection | None = None,
) -> Iterator[Rig]:
    """Set an agent up.

    Args:
        name: of its profile.
        scripts: what the model plays.
        key: what the gateway sends to the provider, if it is not the right one.
        silence_seconds: how long the gateway waits for the model.
        dollars: whether turns cost what a budget notices.
        sandbox: how it is fenced, if not as usual.
    """
    folder = Path(tempfile.mkdtemp(prefix="keelway-agents-"))
    entries: list[Entry] = []
    profile = load_profile(name)
    try:
        with ModelServer(tuple(scripts)) as server:
            sandbox = sandbox or SandboxSection()
            provider = Provider(
                PROVIDER,
                _api(profile),
                server.url if _api(profile) != "openai" else server.openai_url,
                key=lambda: key or server.key,
                prices={ANY_MODEL: Price(0.0, OUTPUT_USD if dollars else 1.0)},
            )
            gateway = Gateway(
                [provider],
                folder / "gateway",
                book=entries.append,
                allowance=lambda _task: Allowance(),
                limits=GatewayLimits(silence_seconds_max=silence_seconds),
                uid=user_of(sandbox),
            )
            section = AgentSection(use=name, provider=PROVIDER, model=MODEL)
            egress = Egress(folder / "egress", uid=user_of(sandbox))
            fence = replace(fence_of(sandbox, gateway, egress), objects=str(folder / "objects"))
            agent = from_profile(profile, section, str(folder / "runs"), fence)
            workspace = calc_workspace(folder / "workspace")
            try:
                yield Rig(profile, agent, server, folder, workspace, fence.cage.name, gateway, entries)
            finally:
                agent.cancel(TASK)
                gateway.stop()
                egress.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def installed(name: str) -> bool:
    """Tell whether the program of an agent is here, in the version that its profile pins."""
    install = load_profile(name).install
    place = find(install, os.environ)
    return place is not None and place.version in {"", install.version}


def until(happened: Any, seconds: float) -> Any:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := happened():
            return result
        time.sleep(0.05)
    raise AssertionError(f"it did not happen within {seconds:g} s")


def _api(profile: Profile) -> str:
    first = profile.apis[0]
    return "openai" if first.startswith("openai") else first
