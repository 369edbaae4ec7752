"""Turn the ``[agent]`` section into an agent that can be given work."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from keelway.app.agents.fence import fence_of, open_places
from keelway.app.agents.place import find, look, missing_extra, room_of
from keelway.app.agents.profile import ACP, PROGRAM, Profile, load_profile, profile_names
from keelway.app.agents.ways import Ways
from keelway.app.config import Config, environment_variables
from keelway.app.home import Home
from keelway.app.registry import load, names
from keelway.app.sections import AgentSection
from keelway.clients.run import Fence, Launch, blanks_in, fill
from keelway.core.errors import YourFault
from keelway.ports.agent import Agent

REPLAY, COMMAND = "replay", "command"

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,120}")
_PROMPTS = frozenset({"prompt", "prompt_file"})


def make_agent(config: Config, home: Home, ways: Ways | None = None) -> Agent:
    """Return the configured coding agent, with its runs below a home.

    Args:
        config: the project.
        home: where its state lies on this machine.
        ways: how its runs get to their model and to other hosts.

    Raises:
        YourFault: the agent is unknown or not installed, or nothing says how to start it or which model it uses.
    """
    section, runs = config.file.agent, str(home.agents)
    if is_profile(section.use):
        profile = load_profile(section.use, outside=config.repository)
        return from_profile(profile, section, runs, _fence(config, home, ways))
    if section.use not in names("agent") and not section.use.endswith(".py"):
        known = ", ".join(sorted({*profile_names(), *names("agent")}))
        raise YourFault("unknown_agent", f"There is no agent called {section.use!r}.", f"use one of: {known}")
    kind: Any = load("agent", section.use, outside=config.repository)
    env = {"PATH": environment_variables().get("PATH", ""), **section.env}
    agent: Agent
    if section.use == REPLAY:
        script = str((config.repository / section.script).resolve()) if section.script else ""
        agent = kind(script=script, run_root=runs, env=env)
        return agent
    if not section.argv:
        raise YourFault(
            "no_agent_command",
            "agent.argv is empty.",
            'set agent.use = "opencode", or agent.argv to a command',
        )
    name = Path(section.argv[0]).name
    if section.use in {ACP, COMMAND}:
        agent = kind(_by_hand(name, section, runs, env, _fence(config, home, ways)))
    else:
        agent = kind(name=name, argv=section.argv, run_root=runs, env=env)
    return agent


def _fence(config: Config, home: Home, ways: Ways | None) -> Fence:
    ways = ways or Ways()
    fence = fence_of(config.file.sandbox, ways.gateway, ways.egress)
    beside = open_places(config.file.sandbox, config.project)
    return replace(fence, objects=str(home.repository / "objects"), open_places=beside)


def is_profile(use: str) -> bool:
    """Tell whether a name in the configuration is that of a profile, or of a file that holds one."""
    return use.endswith(".toml") or use in profile_names()


def from_profile(profile: Profile, section: AgentSection, runs: str, fence: Fence) -> Agent:
    """Return the agent that a profile describes, with the provider and model of the configuration.

    Raises:
        YourFault: its program is not installed, or it has no model.
    """
    if profile.apis and not (section.provider and section.model):
        raise YourFault(
            "no_agent_model",
            f"The agent {profile.name} asks a model, and the configuration names none.",
            f'set provider = "..." and model = "..." under [agent]; it speaks {" or ".join(profile.apis)}',
        )
    launch = launch_of(profile, section, runs, fence)
    if profile.kind == ACP:
        acp: Agent = load("agent", ACP)(launch)
        return acp
    command: Agent = load("agent", COMMAND)(launch, profile.output)
    return command


def launch_of(profile: Profile, section: AgentSection, runs: str, fence: Fence) -> Launch:
    """Return how the program of a profile is started on this machine.

    Raises:
        YourFault: it is not installed, or the name of the model is none.
    """
    environ = environment_variables()
    place = find(profile.install, environ)
    if place is None and profile.install.extra:
        raise missing_extra(profile.install)
    if place is None:
        raise YourFault(
            "agent_not_installed",
            f"{profile.install.command} is neither on PATH nor in {room_of(profile.install, environ)}.",
            f"keelway agents install {profile.name}",
        )
    if section.model and not _MODEL.fullmatch(section.model):
        raise YourFault("bad_model_name", f"{section.model!r} is no name of a model.", "correct agent.model")
    blank = {PROGRAM: place.program}
    path = os.pathsep.join([*place.path, environ.get("PATH", "")])
    return Launch(
        name=profile.name,
        version=place.version,
        argv=tuple(fill(word, blank) for word in profile.argv),
        run_root=runs,
        env={"PATH": path, **_filled(profile.env, blank), **section.env},
        files=_filled(profile.files, blank),
        stdin=profile.stdin,
        version_argv=() if profile.kind == ACP else tuple(fill(word, blank) for word in profile.version_argv),
        reads=place.reads,
        provider=section.provider,
        model=section.model,
        apis=profile.apis,
        fence=fence,
    )


def _by_hand(name: str, section: AgentSection, runs: str, env: Mapping[str, str], fence: Fence) -> Launch:
    """Return how a program is started that the configuration itself describes."""
    program = shutil.which(section.argv[0], path=env["PATH"])
    place = look(Path(program), None, env["PATH"]) if program else None
    told = any(blanks_in(word) & _PROMPTS for word in section.argv)
    return Launch(
        name=name,
        argv=section.argv,
        run_root=runs,
        env=env,
        stdin="" if told or section.use == ACP else "${prompt}",
        version_argv=(section.argv[0], "--version") if section.use == COMMAND else (),
        reads=place.reads if place else (),
        provider=section.provider,
        model=section.model,
        fence=fence,
    )


def _filled(texts: Mapping[str, str], blank: Mapping[str, str]) -> dict[str, str]:
    return {name: fill(text, blank) for name, text in texts.items()}
