"""What the yards of targets in place share: settings that change, and commits of an application with traits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from tests.conformance.git_rig import git

from keelway.core.model.project import Project


@dataclass
class InPlaceYard:
    """Hold a project with a repository; a kind of target adds where its releases run."""

    root: Path
    project: Project
    environment: str = field(default="production", kw_only=True)
    other: str = field(default="staging", kw_only=True)
    _numbers: Iterator[int] = field(default_factory=itertools.count, kw_only=True)
    kind: ClassVar[str]
    """Name of the table of its settings."""
    traits: ClassVar[tuple[str, ...]]
    """What its commits may have."""

    @property
    def origin(self) -> Path:
        return self.root / "origin"

    @property
    def places(self) -> tuple[str, str]:
        """Return the repository and the home of its target."""
        return str(self.origin / ".git"), str(self.root / "home")

    def alter(self, **settings: object) -> None:
        """Change settings of the target in both environments."""
        self.project = altered(self.project, self.kind, settings)

    def numbered(self, traits: tuple[str, ...]) -> tuple[str, str]:
        """Commit the next number, and return it with the commit."""
        number = str(next(self._numbers))
        return number, committed(self.origin, number, traits, self.traits)


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
