"""Workspaces in memory that a fake agent edits as dictionaries."""

from __future__ import annotations

from keelway.core.errors import PolicyRefused
from keelway.ports.sandbox import Collected, Sandbox, Workspace
from keelway.testing.fakes.forge import FakeForge


class FakeSandbox:
    """Lend dictionaries of files and commit them to a fake forge."""

    def __init__(self, forge: FakeForge) -> None:
        self._forge = forge
        self._open: dict[str, Workspace] = {}
        self._files: dict[str, dict[str, str]] = {}

    def files(self, task: str) -> dict[str, str]:
        """Return the files of a workspace, to be read and edited."""
        return self._files[task]

    def open(self, task: str, base_sha: str, branch: str) -> Workspace:  # noqa: ARG002
        """Make the workspace of a task, or return the one that is there."""
        if task not in self._open:
            return self.reset(task, base_sha, base_sha)
        return self._open[task]

    def reset(self, task: str, head_sha: str, base_sha: str) -> Workspace:
        """Replace the workspace by a fresh one."""
        self._files[task] = dict(self._forge.history[head_sha].files)
        self._open[task] = Workspace(task, f"/fake/{task}", base_sha)
        return self._open[task]

    def collect(self, workspace: Workspace, base_sha: str, message: str, branch: str) -> Collected:
        """Commit the files onto a base and keep the commit under a branch."""
        if branch in self._forge.branches.protected:
            raise PolicyRefused("protected_branch", f"{branch} is protected.")
        base, files = self._forge.history[base_sha], self._files[workspace.task]
        if files == base.files:
            return Collected(base.sha, base.tree_sha, base.sha, changed=False)
        made = self._forge.commit(branch, base_sha, files, message)
        return Collected(made.sha, made.tree_sha, base_sha, changed=True)

    def close(self, task: str) -> None:
        """Remove the workspace of a task."""
        self._open.pop(task, None)
        self._files.pop(task, None)


_check: type[Sandbox] = FakeSandbox
