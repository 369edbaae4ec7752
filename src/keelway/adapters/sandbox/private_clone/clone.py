"""A private clone for each task; its plain files come out, nothing else."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from keelway.clients.files import remove_tree, write_atomic
from keelway.clients.git import Git
from keelway.clients.git.importing import ImportBounds
from keelway.core.errors import OurFault, PolicyRefused
from keelway.ports.sandbox import Collected, Sandbox, Workspace

_TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COLLECTED = "refs/heads/collected"
_HALF_WRITTEN = re.compile(r"\.(.+)\.json\.[^.]+")
"""A record that a killed process did not finish writing."""


@dataclass(frozen=True)
class Record:
    """Remember which workspace stands complete."""

    base_sha: str
    branch: str


class PrivateClone:
    """Lend each task a repository of its own that borrows objects from ours.

    ``root/<task>`` is what the agent writes, ``root/<task>.git`` is ours and imports from it,
    ``root/<task>.json`` says that the workspace is complete.
    """

    def __init__(
        self,
        repository: str,
        root: str,
        *,
        protected: frozenset[str] = frozenset({"main", "develop"}),
        bounds: ImportBounds | None = None,
    ) -> None:
        self._git = Git(repository)
        self._root = Path(root)
        self._protected = protected
        self._bounds = bounds or ImportBounds()

    def open(self, task: str, base_sha: str, branch: str) -> Workspace:
        """Make the workspace of a task at a commit, or return the one that already is there."""
        record = self._record(task)
        if record is None:
            return self._build(task, base_sha, Record(base_sha, branch))
        return self._workspace(task, record)

    def reset(self, task: str, head_sha: str, base_sha: str) -> Workspace:
        """Replace the workspace by a fresh one that holds the tree of ``head_sha``."""
        record = self._former(task) or Record(base_sha, "work")
        return self._build(task, head_sha, replace(record, base_sha=base_sha))

    def collect(self, workspace: Workspace, base_sha: str, message: str, branch: str) -> Collected:
        """Import the files as one deterministic commit on ``base_sha`` and keep it under ``branch``.

        The commit carries the date of the newest change in the workspace, never one in the
        future, so that the same files collected again are the same commit.
        """
        if branch in self._protected:
            raise PolicyRefused("protected_branch", f"{branch} is protected: nothing is collected onto it.")
        importer = self._importer(workspace.task)
        base = importer.commit(base_sha)
        imported = importer.import_tree(str(self._path(workspace.task)), base.sha, self._bounds)
        if imported.tree_sha == base.tree_sha:
            return Collected(base.sha, base.tree_sha, base.sha, changed=False)
        at = max(base.at, min(imported.written_at, int(time.time())))
        head = importer.commit_tree(imported.tree_sha, (base.sha,), message, at)
        importer.update_ref(_COLLECTED, head, None)
        kept = f"refs/keelway/tasks/{workspace.task}"
        self._git.fetch(importer.git_dir, f"+{_COLLECTED}:{kept}", f"+{_COLLECTED}:refs/heads/{branch}")
        return Collected(head, imported.tree_sha, base.sha, changed=True)

    def close(self, task: str) -> None:
        """Remove the workspace of a task; nothing happens when there is none."""
        self._clear(task)

    def rooms(self) -> tuple[str, ...]:
        """Return the names of the workspaces that are here, or of which something is left."""
        if not self._root.is_dir():
            return ()
        there = [path.name for path in self._root.iterdir()]
        names = {name.removesuffix(".json").removesuffix(".git") for name in there}
        names |= {_half_of(name) for name in there}
        return tuple(sorted(name for name in names if _TASK_NAME.fullmatch(name)))

    def _clear(self, task: str) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        halves = [path for path in self._root.iterdir() if _half_of(path.name) == task]
        for path in (self._record_path(task), self._path(task), self._importer_path(task), *halves):
            remove_tree(path, self._root)

    def _build(self, task: str, checked_out: str, record: Record, files: str = "") -> Workspace:
        self._clear(task)
        path = self._path(task)
        path.mkdir(parents=True)
        workspace = Git(str(path / ".git"), durable=False)
        Path(workspace.git_dir).mkdir()
        workspace.borrow_objects(self._git.git_dir)
        workspace.init_workspace(str(path), record.branch, checked_out, files)
        write_atomic(self._record_path(task), json.dumps(asdict(record)).encode())
        return self._workspace(task, record)

    def _importer(self, task: str) -> Git:
        """Return our own git directory for a workspace; it never holds anything that the agent wrote."""
        importer = Git(str(self._importer_path(task)), durable=False)
        remove_tree(self._importer_path(task), self._root)
        importer.init_bare("collected")
        importer.borrow_objects(self._git.git_dir)
        return importer

    def _former(self, task: str) -> Record | None:
        """Return what is known of the workspace that is about to be replaced."""
        return self._record(task)

    def _record(self, task: str) -> Record | None:
        try:
            return Record(**json.loads(self._record_path(task).read_bytes()))
        except FileNotFoundError:
            return None

    def _workspace(self, task: str, record: Record) -> Workspace:
        return Workspace(task, str(self._path(task)), record.base_sha)

    def _path(self, task: str) -> Path:
        if not _TASK_NAME.fullmatch(task) or task.endswith((".git", ".json")):
            raise OurFault("bad_task_name", f"{task!r} cannot be the name of a workspace.")
        return self._root / task

    def _importer_path(self, task: str) -> Path:
        return self._path(task).with_name(f"{task}.git")

    def _record_path(self, task: str) -> Path:
        return self._path(task).with_name(f"{task}.json")


def _half_of(name: str) -> str:
    """Return the task whose half written record a file is, or nothing."""
    half = _HALF_WRITTEN.fullmatch(name)
    return half.group(1) if half else ""


_check: type[Sandbox] = PrivateClone
