"""A private clone that follows its task: the state of the workspace lies at the hub, for the next host."""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from keelway.adapters.sandbox.private_clone.clone import PrivateClone, Record
from keelway.clients.git.hub import ROOMS, TASKS, Move, make_hub
from keelway.clients.git.importing import ImportBounds
from keelway.core.errors import OurFault, TheirFault
from keelway.ports.sandbox import Collected, Sandbox, Workspace

_HERE = "refs/keelway/here"
_STATE = "refs/heads/state"
_TITLE = "Keep the workspace of a task for the next host"
_TAKE_TRIES_MAX = 5

_log = logging.getLogger("keelway.sandbox")


@dataclass(frozen=True)
class _State:
    """Hold what a workspace was: a commit of ours says it, so that it travels as git does."""

    base_sha: str
    branch: str
    head_sha: str
    """Commit on which the workspace's own branch stands; its files may be further."""
    by: str = ""
    """Random name of the taking: who takes a workspace over makes the former owner's next push stale."""

    @property
    def message(self) -> str:
        """Return the message of the commit that holds the files."""
        plain = {"base": self.base_sha, "branch": self.branch, "head": self.head_sha, "by": self.by}
        return f"{_TITLE}\n\n{json.dumps(plain, sort_keys=True)}"


class TravellingClone(PrivateClone):
    """Lend each task its workspace on whichever host works on it.

    ``refs/keelway/rooms/<task>`` of the hub is the last state that counts: after opening, after each
    run of the agent and after each collecting. ``refs/keelway/here/<task>`` of our own repository is
    the state that the folder here grew from; when the two differ, another host went on in between,
    and the folder is made anew. What ``.gitignore`` names does not travel.
    """

    def __init__(
        self,
        repository: str,
        root: str,
        *,
        hub: str = "",
        protected: frozenset[str] = frozenset({"main", "develop"}),
        bounds: ImportBounds | None = None,
    ) -> None:
        super().__init__(repository, root, protected=protected, bounds=bounds)
        self._hub = make_hub(repository, hub)

    def open(self, task: str, base_sha: str, branch: str) -> Workspace:
        """Make the workspace of a task at a commit, or return the one that is there, from wherever it is."""
        if self._hub.ref(self._room(task)):
            self.enter(task)
            return super().open(task, base_sha, branch)
        if self._git.ref(self._mark(task)):
            self._forget(task)  # another host closed it since
        self._hub.need(base_sha)
        workspace = super().open(task, base_sha, branch)
        state = _State(base_sha, branch, base_sha)
        self._publish(task, self._commit(state, self._git.tree_of(base_sha), base_sha), "")
        return workspace

    def reset(self, task: str, head_sha: str, base_sha: str) -> Workspace:
        """Replace the workspace by a fresh one that holds the tree of ``head_sha``."""
        self._hub.need(head_sha, base_sha)
        there = self._hub.ref(self._room(task))
        record = self._former(task)
        workspace = super().reset(task, head_sha, base_sha)
        state = _State(base_sha, record.branch if record else "work", head_sha, uuid.uuid4().hex)
        self._publish(task, self._commit(state, self._git.tree_of(head_sha), head_sha), there)
        return workspace

    def collect(self, workspace: Workspace, base_sha: str, message: str, branch: str) -> Collected:
        """Import the files as one commit, keep it under ``branch`` at the hub, and the state with it."""
        task = workspace.task
        self._hub.need(base_sha)
        self.enter(task)
        done = super().collect(workspace, base_sha, message, branch)
        kept = f"{TASKS}/{task}", f"refs/heads/{branch}"
        moves = [Move(name, done.head_sha) for name in kept] if done.changed else []
        here = self._git.ref(self._mark(task))
        if here:
            self._publish(task, self._commit(self._state(here), done.tree_sha, done.head_sha), here, *moves)
        elif moves:
            self._hub.publish(*moves)
        return done

    def close(self, task: str) -> None:
        """Remove the workspace of a task, here and at the hub; nothing happens when there is none."""
        self._forget(task)
        if self._hub.ref(self._room(task)):
            self._hub.publish(Move(self._room(task), ""))

    def enter(self, task: str) -> str:
        """Return the folder of a task's workspace, made from the last state when that is not here.

        Raises:
            OurFault: nobody has opened it, or it has been closed.
            TheirFault: the hub does not answer.
        """
        there, here = self._hub.ref(self._room(task)), self._git.ref(self._mark(task))
        if there and (there != here or self._record(task) is None):
            self._take_over(task, there)
        elif not there and (here or self._record(task) is None):
            raise OurFault("no_workspace", f"{task} has no workspace here and none at the hub.")
        return str(self._path(task))

    def save(self, task: str) -> None:
        """Leave the files as they are at the hub; what may not be imported stays here alone.

        Raises:
            TheirFault: another host goes on with the task (``workspace_taken``), or the hub does not answer.
        """
        here = self._git.ref(self._mark(task))
        if not here:
            return
        state, importer = self._state(here), self._importer(task)
        base = importer.commit(state.base_sha)
        try:
            imported = importer.import_tree(str(self._path(task)), base.sha, self._bounds)
        except TheirFault as fault:
            if fault.code != "import_refused":
                raise
            _log.info("%s was not left at the hub: %s", task, fault.message)
            return
        at = max(base.at, min(imported.written_at, int(time.time())))
        made = importer.commit_tree(imported.tree_sha, (base.sha,), state.message, at)
        importer.update_ref(_STATE, made, None)
        self._git.fetch(importer.git_dir, _STATE)
        self._publish(task, made, here)

    def rooms(self) -> tuple[str, ...]:
        """Return the workspaces that are here; beside the hub's repository, also those that only left a state."""
        known = set(super().rooms())
        if not self._hub.address:
            known |= {name.rpartition("/")[2] for name in self._git.refs(f"{ROOMS}/")}
        return tuple(sorted(known))

    def _forget(self, task: str) -> None:
        """Remove what is here of a workspace."""
        self._clear(task)
        if here := self._git.ref(self._mark(task)):
            self._git.delete_ref(self._mark(task), here)

    def _commit(self, state: _State, tree_sha: str, dated_like: str) -> str:
        at = self._git.commit(dated_like).at
        return self._git.commit_tree(tree_sha, (state.base_sha,), state.message, at)

    def _publish(self, task: str, made: str, old: str, *moves: Move) -> None:
        if not self._hub.publish(Move(self._room(task), made, old), *moves):
            raise TheirFault(
                "workspace_taken",
                f"Another host goes on with the workspace of {task}; what was done here does not count.",
                "nothing: the task goes on there",
            )
        self._git.update_ref(self._mark(task), made, None)

    def _take_over(self, task: str, there: str) -> None:
        """Make the workspace from its last state, and that state stale for whoever had it before."""
        for _ in range(_TAKE_TRIES_MAX):
            self._hub.need(there)
            state, kept = self._state(there), self._git.commit(there)
            mine = replace(state, by=uuid.uuid4().hex)
            made = self._git.commit_tree(kept.tree_sha, kept.parents, mine.message, kept.at)
            if self._hub.publish(Move(self._room(task), made, there)):
                self._hub.need(state.base_sha, state.head_sha)
                record = Record(state.base_sha, state.branch)
                self._build(task, state.head_sha, record, files=made)
                _date(self._path(task), kept.at)
                self._git.update_ref(self._mark(task), made, None)
                return
            there = self._hub.ref(self._room(task))
        raise TheirFault("workspace_taken", f"The workspace of {task} does not hold still.", "try again")

    def _former(self, task: str) -> Record | None:
        known = super()._former(task)
        there = self._hub.ref(self._room(task))
        if known is not None or not there:
            return known
        self._hub.need(there)
        state = self._state(there)
        return Record(state.base_sha, state.branch)

    def _state(self, sha: str) -> _State:
        try:
            plain = json.loads(self._git.commit(sha).message.partition("\n\n")[2])
            return _State(plain["base"], plain["branch"], plain["head"], plain["by"])
        except (ValueError, KeyError, TypeError) as error:
            raise OurFault("bad_state", f"{sha[:12]} does not hold the state of a workspace.") from error

    def _room(self, task: str) -> str:
        return f"{ROOMS}/{self._path(task).name}"

    def _mark(self, task: str) -> str:
        return f"{_HERE}/{self._path(task).name}"


def _date(folder: Path, at: int) -> None:
    """Give every file the date of the state, so that the same files collected here make the same commit."""
    for place, folders, names in os.walk(folder):
        if Path(place) == folder and ".git" in folders:
            folders.remove(".git")
        for name in (*names, *folders):
            os.utime(f"{place}/{name}", (at, at), follow_symlinks=False)
    os.utime(folder, (at, at))


_check: type[Sandbox] = TravellingClone
