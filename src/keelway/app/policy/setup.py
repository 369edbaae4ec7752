"""Know the present set-up of the agent again: program, version, model, prompts and fence."""

from __future__ import annotations

from keelway.app.agents.make import is_profile
from keelway.app.agents.place import find
from keelway.app.agents.profile import load_profile
from keelway.app.config import Config, environment_variables
from keelway.core.autonomy.ladder import Setup
from keelway.core.codec import digest
from keelway.core.prompt import prompts_digest


def setup_of(config: Config) -> Setup:
    """Return what makes the same request end in another patch; nothing is started for it.

    Raises:
        YourFault: the profile of the agent cannot be read.
    """
    agent, sandbox = config.file.agent, config.file.sandbox
    version, profile = "", digest([agent.use, agent.argv, agent.env])
    if is_profile(agent.use):
        known = load_profile(agent.use, outside=config.repository)
        place = find(known.install, environment_variables())
        version, profile = (place.version if place else ""), digest([known, agent.argv, agent.env])
    return Setup(agent.use, version, agent.provider, agent.model, profile, prompts_digest(), digest(sandbox))
