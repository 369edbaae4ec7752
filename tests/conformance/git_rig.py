"""A real origin, a real forge and real workspaces in a temporary folder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from keelway.adapters.forge.local import LocalForge
from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.clients.git import Git
from keelway.clients.shell import Command, run
from keelway.core.model.project import Branches
from keelway.ports.pulls import PullBook
from keelway.ports.sandbox import Workspace
from keelway.testing.conformance.forge import START, Edits
from keelway.testing.fakes.pulls import FakePullBook


def git(folder: Path, *args: str) -> str:
    """Run git as a person would, in their own repository."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Person",
        "GIT_AUTHOR_EMAIL": "person@localhost",
        "GIT_COMMITTER_NAME": "Person",
        "GIT_COMMITTER_EMAIL": "person@localhost",
    }
    done = run(Command(("git", *args), str(folder), env, 30))
    assert done.passed, done.stderr.decode()
    return done.stdout.decode().strip()


def make_origin(folder: Path, files: dict[str, str]) -> Path:
    """Make the people's own repository."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    _write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def _write(folder: Path, edits: Edits) -> None:
    for name, text in edits.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@dataclass
class GitRig:
    """Serve as bench of the forge tests and as shop of the sandbox tests."""

    root: Path
    book: PullBook
    forge: LocalForge
    sandbox: PrivateClone

    @property
    def origin(self) -> Path:
        return self.root / "origin"

    @property
    def bare(self) -> Path:
        return self.root / "bare.git"

    @property
    def git(self) -> Git:
        return Git(str(self.bare))

    def patch(self, branch: str, base_sha: str, edits: Edits) -> str:
        task = branch.replace("/", "-")
        self.sandbox.close(task)
        workspace = self.sandbox.open(task, base_sha, branch)
        _write(Path(workspace.path), edits)
        return self.sandbox.collect(workspace, base_sha, f"patch of {branch}", branch).head_sha

    def people_push(self, edits: Edits, *, rewrite: bool = False) -> str:
        _write(self.origin, edits)
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-q", "-m", "people", *(["--amend"] if rewrite else []))
        return git(self.origin, "rev-parse", "HEAD")

    def write(self, workspace: Workspace, path: str, text: str | None) -> None:
        _write(Path(workspace.path), {path: text})

    def read(self, workspace: Workspace, path: str) -> str | None:
        found = Path(workspace.path) / path
        return found.read_text() if found.exists() else None


def make_rig(root: Path, book: PullBook | None = None) -> GitRig:
    shutil.copytree(_template(), root, dirs_exist_ok=True)
    return again(root, book or FakePullBook())


@cache
def _template() -> Path:
    """Make the starting point once for all tests of a process."""
    root = Path(tempfile.mkdtemp(prefix="keelway-rig-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    make_origin(root / "origin", dict(START))
    again(root, FakePullBook())
    return root


def again(root: Path, book: PullBook) -> GitRig:
    """Return the rig as a new process would find it."""
    forge = LocalForge(str(root / "bare.git"), str(root / "origin"), Branches(), book)
    forge.head("main")
    return GitRig(root, book, forge, PrivateClone(str(root / "bare.git"), str(root / "workspaces")))
