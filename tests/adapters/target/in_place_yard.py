"""What the yards of targets in place share: settings that change, and commits of an application with traits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.conformance.git_rig import git

from keelway.core.model.project import Project


def altered(project: Project, kind: str, settings: Mapping[str, object]) -> Project:
    """Return the project with other settings of one kind of target in every environment."""
    environments = tuple(
        replace(spec, target=replace(spec.target, **{kind: replace(getattr(spec.target, kind), **settings)}))
        for spec in project.environments
    )
    return replace(project, environments=environments)


def committed(origin: Path, number: str, traits: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Commit the application with some of the known traits; ``broken`` is a commit that nobody has."""
    if "broken" in traits:
        return number.rjust(40, "e")
    for trait in known:
        (origin / trait).unlink(missing_ok=True)
        if trait in traits:
            (origin / trait).write_text("x")
    (origin / "number").write_text(number)
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "one more")
    return git(origin, "rev-parse", "HEAD")
