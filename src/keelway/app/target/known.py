"""Hold the name of an environment that somebody typed against those that there are."""

from __future__ import annotations

from keelway.core.errors import YourFault
from keelway.core.model.project import Project


def insist_environment(project: Project, name: str) -> str:
    """Return the name of an environment that there is.

    Raises:
        YourFault: there is none of this name (``unknown_environment``).
    """
    known = [spec.name for spec in project.environments]
    if name not in known:
        raise YourFault("unknown_environment", f"There is no {name}.", f"use one of: {', '.join(known)}")
    return name
