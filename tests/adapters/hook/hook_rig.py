"""A repository with hooks in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.git_rig import git

from keelway.adapters.hook.folder import FolderHooks
from keelway.core.target.hook import HookSpec
from keelway.testing.fakes.vault import FakeVault

FOLDER = ".keelway/hooks"


@dataclass
class HookRig:
    """Serve as yard of the hook tests."""

    root: Path
    vault: FakeVault
    spec: HookSpec = field(default_factory=lambda: HookSpec(FOLDER))

    @classmethod
    def make(cls, root: Path) -> HookRig:
        (root / "origin" / FOLDER).mkdir(parents=True)
        git(root / "origin", "init", "-q", "-b", "main")
        return cls(root, FakeVault())

    @property
    def hooks(self) -> FolderHooks:
        return FolderHooks(self.spec, str(self.root / "origin" / ".git"), str(self.root / "home"), self.vault)

    def put(self, name: str, *, good: bool) -> str:
        return self.write(name, "#!/bin/sh\necho ran\n" + ("" if good else "echo it is Friday >&2; exit 7\n"))

    def write(self, name: str, text: str, mode: int = 0o755) -> str:
        """Commit a file of the folder and return the commit."""
        path = self.root / "origin" / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return self.commit()

    def link(self, name: str, to: str) -> str:
        """Commit a link of the folder and return the commit."""
        (self.root / "origin" / FOLDER / name).symlink_to(to)
        return self.commit()

    def commit(self) -> str:
        origin = self.root / "origin"
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "hooks")
        return git(origin, "rev-parse", "HEAD")
