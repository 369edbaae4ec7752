"""The repository of the hub as a worker on another host sees it: read through a mirror, protected from here."""

from __future__ import annotations

from typing import NoReturn

from keelway.adapters.forge.local.forge import LocalForge
from keelway.clients.git.hub import PARTS, Move, make_hub
from keelway.core.errors import OurFault, TheirFault, YourFault
from keelway.core.model.diff import Diff
from keelway.core.model.project import Branches
from keelway.ports.forge import Forge, Merge, Rebased
from keelway.ports.pulls import PullBook


class FarForge(LocalForge):
    """Read commits as far as they are needed; only a task's own branch is ever moved from here.

    Raises:
        YourFault: the address of the hub cannot be used.
        TheirFault: the hub cannot be reached.
    """

    def __init__(self, repository: str, hub: str, branches: Branches, pulls: PullBook) -> None:
        super().__init__(repository, "", branches, pulls)
        self._hub = make_hub(repository, hub)

    def refresh(self) -> str:
        """Refuse: what people push is taken over on the hub's host."""
        self._refuse("refresh")

    def origin_dirty(self) -> tuple[str, ...]:
        """Return nothing: the work tree of people is on another host."""
        return ()

    def drift(self) -> tuple[str, ...]:
        """Return nothing: the branches are watched where they are."""
        return ()

    def head(self, branch: str) -> str:
        """Return the commit that a branch has at the hub now."""
        name = f"refs/heads/{branch}"
        mainline, found = self._mainline(), self._hub.ref(name)
        if not found:
            raise YourFault("no_branch", f"There is no branch {branch!r} in {self._hub.address}.")
        self._hub.need(found)
        mainline.git.update_ref(name, found, None)
        return found

    def resolve(self, name: str) -> str:
        """Return the commit that a branch, a tag or a whole commit id names at the hub."""
        if self._hub.ref(f"refs/heads/{name}"):
            return self.head(name)
        self.need(found := dict(self.tags()).get(name, name))
        return super().resolve(found)

    def files(self, sha: str) -> tuple[str, ...]:
        """Return every path in a commit."""
        self.need(sha)
        return super().files(sha)

    def read(self, sha: str, path: str) -> str:
        """Return the text of a file in a commit, empty when it is not there."""
        self.need(sha)
        return super().read(sha, path)

    def texts(self, sha: str, paths: tuple[str, ...]) -> dict[str, str]:
        """Return the texts of many files of a commit at once."""
        self.need(sha)
        return super().texts(sha, paths)

    def diff(self, base_sha: str, head_sha: str) -> Diff:
        """Return the facts of the difference between two commits."""
        self.need(base_sha, head_sha)
        return super().diff(base_sha, head_sha)

    def patch(self, base_sha: str, head_sha: str) -> str:
        """Return the difference as text for people, bounded."""
        self.need(base_sha, head_sha)
        return super().patch(base_sha, head_sha)

    def compose(self, onto_sha: str, from_sha: str, paths: tuple[str, ...]) -> str:
        """Compose a commit and leave it at the hub, so that another host can check it too."""
        self.need(onto_sha, from_sha)
        made = super().compose(onto_sha, from_sha, paths)
        self._hub.publish(Move(f"{PARTS}/{made}", made))
        return made

    def contains(self, ancestor_sha: str, sha: str) -> bool:
        """Tell whether ``ancestor_sha`` is part of the history of ``sha``."""
        self.need(ancestor_sha, sha)
        return super().contains(ancestor_sha, sha)

    def conflicts(self, base: str, head_sha: str) -> tuple[str, ...]:
        """Return the paths that would conflict when a commit were merged into a branch now."""
        self.need(head_sha)
        return super().conflicts(base, head_sha)

    def need(self, *shas: str) -> None:
        """Fetch commits that are not here yet.

        Raises:
            TheirFault: the hub does not have them, or cannot be reached.
        """
        self._mainline()
        self._hub.need(*shas)

    def rebase(self, head_sha: str, onto_sha: str, message: str, branch: str) -> Rebased:
        """Put a one-commit patch onto a newer base and move its branch at the hub."""
        name, mainline = f"refs/heads/{branch}", self._mainline()
        mainline.refuse_protected(branch, "rebased")
        there = self._hub.ref(name)
        self.need(head_sha, onto_sha, there)
        self._follow(name, there)
        done = super().rebase(head_sha, onto_sha, message, branch)
        if not done.conflicts and not self._hub.publish(Move(name, done.head_sha, there)):
            raise TheirFault(
                "head_moved", f"{branch} is no longer at {head_sha[:12]}.", "collect and judge again"
            )
        return done

    def merge(
        self,
        number: int,  # noqa: ARG002
        *,
        head_sha: str,  # noqa: ARG002
        base_sha: str,  # noqa: ARG002
        message: str,  # noqa: ARG002
        squash: bool,  # noqa: ARG002
        key: str,  # noqa: ARG002
    ) -> Merge:
        """Refuse: protected branches move on the hub's host only."""
        self._refuse("merge")

    def revert(self, branch: str, bad_sha: str, message: str, *, key: str) -> Merge:  # noqa: ARG002
        """Refuse: protected branches move on the hub's host only."""
        self._refuse("revert")

    def tag(self, name: str, sha: str, message: str, *, key: str) -> None:  # noqa: ARG002
        """Refuse: commits get their names on the hub's host only."""
        self._refuse("tag")

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return (name, commit) of every tag at the hub."""
        found = self._hub.refs("refs/tags/*")
        return tuple((name.removeprefix("refs/tags/"), sha) for name, sha in found.items())

    def delete_branch(self, branch: str, *, key: str) -> None:  # noqa: ARG002
        """Refuse: branches are removed on the hub's host only."""
        self._refuse("delete_branch")

    def work_branches(self) -> tuple[str, ...]:
        """Return nothing: branches are removed on the hub's host only."""
        return ()

    def forget_parts(self, count_max: int) -> int:  # noqa: ARG002
        """Do nothing: names are removed on the hub's host only."""
        return 0

    def _make(self) -> None:
        self._hub.prepare(self._branches.production)

    def _follow(self, name: str, there: str) -> None:
        """Let a branch of the mirror be where the hub has it."""
        git = self._git()
        if there:
            git.update_ref(name, there, None)
        elif here := git.ref(name):
            git.delete_ref(name, here)

    def _refuse(self, verb: str) -> NoReturn:
        raise OurFault(
            "not_on_hub",
            f"{verb} was asked of a worker that only has a mirror of {self._hub.address}.",
            "such runs belong into a queue of the hub's host",
        )


_check: type[Forge] = FarForge
