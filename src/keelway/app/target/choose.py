"""Give every environment the target that the configuration chose for it."""

from __future__ import annotations

import sys
from dataclasses import replace

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.app.target.dispatch import ByEnvironment
from keelway.core.model.project import EnvironmentSpec, Project
from keelway.ports.target import Target
from keelway.ports.traffic import Traffic
from keelway.ports.vault import Vault


def make_target(config: Config, home: Home, vault: Vault) -> Target:
    """Return the target of the project: one adapter of each kind, which knows only its own environments.

    Every adapter of a target is made by ``ADAPTER(project, repository, home, vault, python)`` and finds its
    settings in ``project.environment(name).target``. One with ``carries_traffic`` gets ``traffic=`` as well.

    Raises:
        YourFault: there is no such adapter, or its file lies inside the repository.
    """
    project, parts = config.project, {}
    for use in dict.fromkeys(spec.target.use for spec in project.environments):
        mine = tuple(spec for spec in project.environments if spec.target.use == use)
        parts[use] = _make(config, home, vault, _only(project, mine))
    if len(parts) == 1:
        return next(iter(parts.values()))
    return ByEnvironment({spec.name: parts[spec.target.use] for spec in project.environments})


def _only(project: Project, environments: tuple[EnvironmentSpec, ...]) -> Project:
    return replace(project, environments=environments)


def _make(config: Config, home: Home, vault: Vault, project: Project) -> Target:
    kind = load("target", project.environments[0].target.use, outside=config.repository)
    known = (project, str(home.repository), str(home.root), vault, sys.executable)
    more = {"traffic": make_traffic(config, home, project)} if getattr(kind, "carries_traffic", False) else {}
    target: Target = kind(*known, **more)
    return target


def make_traffic(config: Config, home: Home, project: Project) -> Traffic:
    """Return what holds the ports of a project's environments.

    Raises:
        YourFault: there is no such adapter, or its file lies inside the repository.
    """
    section = config.file.traffic
    kind = load("traffic", section.use, outside=config.repository)
    traffic: Traffic = kind(project, str(home.root), sys.executable, section.binary)
    return traffic
