"""The private workspace of a task, and the only way out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Workspace:
    """Name a checkout that an agent may write."""

    task: str
    path: str
    base_sha: str


@dataclass(frozen=True)
class Collected:
    """Name the immutable commit that holds what the workspace contained."""

    head_sha: str
    tree_sha: str
    base_sha: str
    changed: bool


class Sandbox(Protocol):
    """Open, collect and close workspaces.

    What a workspace holds is hostile until it has been imported: git never runs with
    configuration, hooks or attributes that an agent could have written.
    """

    def open(self, task: str, base_sha: str, branch: str) -> Workspace:
        """Make the workspace of a task at a commit, or return the one that already is there."""
        ...

    def reset(self, task: str, head_sha: str, base_sha: str) -> Workspace:
        """Replace the workspace by a fresh one that holds the tree of ``head_sha``."""
        ...

    def collect(self, workspace: Workspace, base_sha: str, message: str, branch: str) -> Collected:
        """Import the files as one deterministic commit on ``base_sha`` and keep it under ``branch``.

        Raises:
            TheirFault: the tree holds something that git or we refuse to import.
        """
        ...

    def close(self, task: str) -> None:
        """Remove the workspace of a task; nothing happens when there is none."""
        ...
