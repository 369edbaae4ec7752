"""Turn the ``[agent]`` section into an agent that can be given work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from keelway.app.config import Config, environment_variables
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.clients.run import Launch
from keelway.core.errors import YourFault
from keelway.ports.agent import Agent


def make_agent(config: Config, home: Home) -> Agent:
    """Return the configured coding agent, with its runs below a home.

    Raises:
        YourFault: the agent is unknown, or nothing says how to start it.
    """
    section = config.file.agent
    kind: Any = load("agent", section.use, outside=config.repository)
    runs = str(home.agents)
    env = {"PATH": environment_variables().get("PATH", ""), **section.env}
    if section.use == "replay":
        script = str((config.repository / section.script).resolve()) if section.script else ""
        replay: Agent = kind(script=script, run_root=runs, env=env)
        return replay
    if not section.argv:
        raise YourFault(
            "no_agent_command", "agent.argv is empty.", 'set agent.argv = ["opencode", "acp"] or the like'
        )
    name = Path(section.argv[0]).name
    agent: Agent
    if section.use == "acp":
        agent = kind(Launch(name, section.argv, runs, env))
    else:
        agent = kind(name=name, argv=section.argv, run_root=runs, env=env)
    return agent
