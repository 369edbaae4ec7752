"""What targets share that replace what serves: one release at a time, and what lies behind it out of reach."""

from __future__ import annotations

from collections.abc import Mapping

from keelway.core.errors import YourFault
from keelway.core.model.project import Project
from keelway.ports.target import Capabilities, Migrated


def the_one(environment: str, weights: Mapping[str, int]) -> str:
    """Return the release that is to serve.

    Raises:
        YourFault: the traffic is to be split, or nobody is to serve (``no_weights``).
    """
    wanted = [release for release, share in weights.items() if share]
    if len(wanted) != 1:
        raise YourFault(
            "no_weights",
            f"{environment} serves one release at a time, so its traffic cannot be split.",
            'use the strategy "replace" there',
        )
    return wanted[0]


class OutOfReach:
    """Answer what a target says whose application somebody else runs, schema and all."""

    def __init__(self, project: Project, keeper: str) -> None:
        """Make the answers.

        Args:
            project: the application.
            keeper: who migrates the schema there, as ``the platform``.
        """
        self._project, self._keeper = project, keeper

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do: one release at a time, migrations are not ours."""
        self._project.named(environment)
        return Capabilities(side_by_side=False, weights=False, migrations=False, snapshots=False)

    def boots(self, environment: str, release: str) -> str:
        """Say that nobody can know."""
        self._project.named(environment)
        return f"{release} cannot be tried beside the release that is live in {environment}"

    def schema(self, environment: str, release: str) -> int | None:
        """Return nothing: the schema is out of reach."""
        del release
        self._project.named(environment)
        return None

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Refuse: the schema is out of reach.

        Raises:
            YourFault: always (``no_migrations``).
        """
        del release, version, epoch
        raise YourFault(
            "no_migrations",
            f"Keelway cannot reach the schema of {environment}.",
            f"let {self._keeper} migrate, and keep every migration good for the release before it",
        )
