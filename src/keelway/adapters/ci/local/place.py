"""Lend a clean place: the files of one commit, a home, a folder for reports; all of it goes away."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keelway.adapters.ci.local.fence import CheckFence
from keelway.clients.files import remove_tree
from keelway.clients.git import Git
from keelway.clients.shell import (
    MARKER,
    Command,
    Done,
    base_env,
    create_time,
    end_marked,
    end_tree,
    run,
    start_detached,
)
from keelway.core.errors import KeelwayError

__all__ = ["ENDED_WORDS", "SAID", "Place", "end_places", "lend_place", "sweep"]

_OUTPUT_BYTES_MAX = 1_000_000
_LEFTOVERS_MAX = 20
_TASK, _ENDED = "task", "ended"
SAID = "served.log"
"""What a command that serves says, in the folder of its job."""
ENDED_WORDS = "its task was ended"
_NAME = re.compile(r"ci-(?P<pid>\d{1,9})-[0-9a-f]{8}")


@dataclass(frozen=True)
class Place:
    """Know the folders of one job."""

    folder: Path
    files: tuple[str, ...]
    """Every path of the commit."""
    path_first: tuple[str, ...] = ()
    fence: CheckFence | None = None
    """What programs run behind; None for as we do."""

    def was_ended(self) -> bool:
        """Tell whether somebody ended the job: nothing more is started for it."""
        return (self.folder / _ENDED).exists()

    @property
    def tree(self) -> Path:
        """Return the checkout."""
        return self.work / "tree"

    @property
    def work(self) -> Path:
        """Return the folder that programs may fill."""
        return self.folder / "work"

    def new_reports(self) -> Path:
        """Make a folder for the report files of one command, outside the checkout and not known before."""
        folder = self.work / "reports" / uuid.uuid4().hex[:12]
        folder.mkdir()
        return folder

    def run(
        self,
        argv: tuple[str, ...],
        seconds_max: float,
        *,
        fenced: bool = False,
        out: bool = False,
        **more: str,
    ) -> Done:
        """Run a program in the checkout; nothing of our own environment reaches it.

        ``fenced`` asks for the sandbox, if there is one for checks; ``out`` for its way to the listed hosts.
        """
        if self.was_ended():
            return Done(None, could_not_start=ENDED_WORDS)
        env = {**self.environment(), **more}
        command = Command(argv, str(self.tree), env, seconds_max, _OUTPUT_BYTES_MAX)
        done = self.carry(command, fenced=fenced, out=out)
        return Done(None, could_not_start=ENDED_WORDS, seconds=done.seconds) if self.was_ended() else done

    def carry(self, command: Command, *, fenced: bool = True, out: bool = False) -> Done:
        """Run a command whose every part is given, behind the sandbox where there is one for checks."""
        if not (fenced and self.fence):
            return run(command)
        log = str(self.folder / "egress.jsonl") if out else ""
        return self.fence.run(command, self.work / "home", self.work, log)

    @contextmanager
    def serving(self, command: Command, port: int) -> Iterator[tuple[int, str]]:
        """Let a command serve on a port until the block is left; yield its process id and its address.

        Behind the sandbox the address is a Unix socket, since the port is one of a loopback that only it has.

        Raises:
            KeelwayError: the sandbox cannot hold it.
            OSError: it cannot be started.
        """
        log = self.folder / SAID
        if self.fence is None:
            pid = start_detached(command.argv, command.cwd, command.env, str(log))
            began_at = create_time(pid)
            try:
                yield pid, f"http://127.0.0.1:{port}"
            finally:
                end_tree(pid, began_at, 0, self.folder.name)
            return
        door = self.work / f"{uuid.uuid4().hex[:12]}.sock"
        with self.fence.serving(command, self.work / "home", self.work, (door, port), log) as pid:
            yield pid, str(door)

    def environment(self) -> dict[str, str]:
        """Return what every program of the job is given; the marker tells which processes are the job's."""
        return {
            **base_env(str(self.work / "home"), [str(self.tree / name) for name in self.path_first]),
            "TMPDIR": str(self.work / "tmp"),
            "CI": "1",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            MARKER: self.folder.name,
        }


@contextmanager
def lend_place(
    git: Git,
    sha: str,
    root: Path,
    path_first: tuple[str, ...],
    task: str = "",
    fence: CheckFence | None = None,
) -> Iterator[Place]:
    """Export a commit into a new place below ``root`` and remove the place in the end.

    ``task`` is noted in the place, so that ``end_places`` finds it.

    Raises:
        TheirFault: git does not have the commit, or cannot write it.
        OSError: the folders cannot be made.
    """
    root.mkdir(parents=True, exist_ok=True)
    sweep(root)
    folder = root.resolve() / f"ci-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    place = Place(folder, tuple(entry.path for entry in git.ls_tree(sha)), path_first, fence)
    try:
        for name in ("tree", "home", "tmp", "reports"):
            (place.work / name).mkdir(parents=True, mode=0o700)
        (folder / _TASK).write_text(task, encoding="utf-8")
        git.export(sha, str(place.tree))
        yield place
    finally:
        _remove(folder, root)


def end_places(root: Path, task: str) -> bool:
    """End what runs in the places of a task, whichever process lent them; tell whether there were any."""
    found = [path.parent for path in root.resolve().glob(f"ci-*/{_TASK}") if task and _said(path) == task]
    for folder in found:
        with contextlib.suppress(OSError):  # the job has just ended by itself
            (folder / _ENDED).touch()
        end_marked(folder.name)
    return bool(found)


def _said(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def sweep(root: Path) -> int:
    """Remove what jobs of processes that no longer live have left, a bounded share, and count it."""
    if not root.is_dir():
        return 0
    gone = (
        path
        for path in root.iterdir()
        if (name := _NAME.fullmatch(path.name)) and not create_time(int(name["pid"]))
    )
    found = [path for _, path in zip(range(_LEFTOVERS_MAX), gone, strict=False)]
    for path in found:
        _remove(path, root)
    return len(found)


def _remove(folder: Path, root: Path) -> None:
    # What cannot be removed now is tried again by the first job of another process.
    with contextlib.suppress(OSError, KeelwayError):
        remove_tree(folder, root)
