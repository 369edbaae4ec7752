"""The git client: refs, trees, differences and transfers of one repository of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelway.clients.files import write_atomic
from keelway.clients.git.diffs import Diffs
from keelway.clients.git.importing import Imports
from keelway.clients.git.refs import Refs
from keelway.clients.git.trees import PLAIN_ATTRIBUTES
from keelway.core.errors import OurFault


@dataclass(frozen=True)
class Git(Refs, Imports, Diffs):
    """Work on one git directory that only we write to."""

    @property
    def complete(self) -> bool:
        """Tell whether the repository has been made to the end."""
        return (Path(self.git_dir) / "info" / "attributes").exists()

    def init_bare(self, branch: str) -> None:
        """Make the bare repository, or complete one that a crash left half made."""
        Path(self.git_dir).mkdir(parents=True, exist_ok=True)
        self.call("init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}")
        self.settle("[gc]\n\tauto = 0\n\tpruneExpire = never\n[receive]\n\tfsckObjects = true\n")

    def init_workspace(self, folder: str, branch: str, sha: str, files: str = "") -> None:
        """Make a fresh repository in a fresh folder with one branch, one commit checked out and nothing else.

        With ``files`` the folder holds the files of that commit instead: work that is not committed yet.

        ``git_dir`` must be the ``.git`` of the folder; from the moment that a program of others
        has run in there, it must not be used again.
        """
        self.call("init", "--quiet", "--template=", f"--initial-branch={branch}")
        self.settle("[user]\n\tname = Keelway agent\n\temail = agent@localhost\n")
        self.update_ref(f"refs/heads/{branch}", sha, "")
        env = {"GIT_WORK_TREE": folder}
        self.call("read-tree", sha, env=env)
        if files:
            self.check_out(files, folder)
        else:
            self.call("checkout-index", "--all", "--force", "--index", "--quiet", env=env)

    def settle(self, settings: str) -> None:
        """Write once what must hold for every other git that works here, and switch off all conversion."""
        config = Path(self.git_dir) / "config"
        now = config.read_text("utf-8")
        if settings not in now:
            write_atomic(config, f"{now}{settings}".encode())
        write_atomic(Path(self.git_dir) / "info" / "attributes", PLAIN_ATTRIBUTES.encode())

    def borrow_objects(self, lender_git_dir: str) -> None:
        """Read objects from another repository of ours too, as ``clone --shared`` does."""
        objects = Path(lender_git_dir).resolve() / "objects"
        write_atomic(Path(self.git_dir) / "objects" / "info" / "alternates", f"{objects}\n".encode())

    def fetch(self, source: str, *refspecs: str) -> None:
        """Fetch refs from a repository on this machine and check every object.

        Raises:
            TheirFault: the source has no such ref, or holds objects that fsck refuses.
        """
        if not source.startswith("/"):
            raise OurFault("not_a_path", f"{source!r} is not an absolute path, so nothing was fetched.")
        quiet = (
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
        )
        self.call("fetch", *quiet, "--end-of-options", source, *refspecs)
