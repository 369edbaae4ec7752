"""Put checks behind the sandbox that agents have: tests that an agent wrote are its program as well."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from keelway.clients.cage import Cage, Inside
from keelway.clients.run import Fence
from keelway.clients.run.fence import Outlet
from keelway.clients.shell import (
    MARKER,
    Command,
    Done,
    create_time,
    end_marked,
    end_tree,
    run,
    start_detached,
)
from keelway.core.errors import KeelwayError

__all__ = ["CheckFence"]

_LOOK_SECONDS = 1.0
_SHIMS = "shims"
_TOOLS = ("python3", "node", "go", "php", "ruby", "cargo", "java", "uv", "deno", "bun")
"""Programs whose installations a check may read, where the search path of Keelway itself leads to them."""
_SHOWN_ANYWAY = ("/usr", "/bin", "/sbin", "/lib")


@dataclass(frozen=True)
class CheckFence:
    """Run commands in a cage; only the folders of the job can be written."""

    fence: Fence

    @property
    def lets_out(self) -> bool:
        """Tell whether there are hosts that a set-up may load packages from."""
        return self.fence.egress is not None and bool(self.fence.hosts)

    def run(self, command: Command, home: Path, workspace: Path, log_path: str = "") -> Done:
        """Run a command to its end, its timeout or the bound that it passes.

        Args:
            command: its working directory lies below ``workspace``.
            home: folder of the job alone, below ``workspace``.
            workspace: everything that the command may write.
            log_path: lets it out to the listed hosts and notes there what it asked for; empty for no way out.
        """
        try:
            outlet = self.fence.outlet(log_path) if log_path else None
        except KeelwayError as error:
            return Done(None, could_not_start=str(error))
        try:
            return self._run(command, home, workspace, outlet)
        finally:
            if outlet is not None:
                outlet.close()

    def _run(self, command: Command, home: Path, workspace: Path, outlet: Outlet | None) -> Done:
        cage, inside = self.fence.cage, self._inside(command, home, workspace)
        if outlet is not None:
            inside = replace(inside, env={**inside.env, **outlet.env}, relays=outlet.relays)
        try:
            outside = cage.wrap(inside)
        except (KeelwayError, OSError) as error:
            return Done(None, could_not_start=f"the sandbox cannot be had: {error}")
        marker = command.env.get(MARKER, "")
        env = {**outside.env, **({MARKER: marker} if marker else {})}
        hit = ""
        with _Look(cage, inside, marker):
            try:
                done = run(replace(command, argv=outside.argv, cwd=outside.cwd, env=env))
            finally:
                hit = cage.release(inside)
        if not hit:
            return done
        said = done.stderr + f"\nIt was ended: it used more {hit} than a check may.".encode()
        return replace(done, exit_code=done.exit_code or None, stderr=said)

    def _inside(self, command: Command, home: Path, workspace: Path) -> Inside:
        return Inside(
            command.argv,
            {**command.env, "PATH": _path(command.env.get("PATH", ""))},
            command.cwd,
            str(home),
            str(workspace),
            reads=_toolchains(command.argv[0] if command.argv else ""),
            bounds=self.fence.bounds,
        )

    @contextmanager
    def serving(
        self, command: Command, home: Path, workspace: Path, door: tuple[Path, int], log_path: Path
    ) -> Iterator[int]:
        """Let a command serve on a port of its own loopback until the block is left; yield its process id.

        Args:
            command: its working directory lies below ``workspace``.
            home: folder of the job alone, below ``workspace``.
            workspace: everything that the command may write.
            door: Unix socket below ``workspace`` that leads to the port.
            log_path: gets what the command says.

        Raises:
            KeelwayError: the cage cannot hold it.
            OSError: it cannot be started.
        """
        cage = self.fence.cage
        inside = replace(self._inside(command, home, workspace), doors={str(door[0]): door[1]})
        outside, marker = cage.wrap(inside), command.env.get(MARKER, "")
        try:
            env = {**outside.env, **({MARKER: marker} if marker else {})}
            pid = start_detached(outside.argv, outside.cwd, env, str(log_path))
            began_at = create_time(pid)
            try:
                with _Look(cage, inside, marker):
                    yield pid
            finally:
                end_tree(pid, began_at, 0, marker)
        finally:
            cage.release(inside)


class _Look:
    """End a run that passes a bound which only a look at it can hold."""

    def __init__(self, cage: Cage, inside: Inside, marker: str) -> None:
        self._cage, self._inside, self._marker = cage, inside, marker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="keelway-check-bounds", daemon=True)

    def __enter__(self) -> None:
        if self._marker:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._marker:
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            if self._cage.over(self._inside):
                end_marked(self._marker)
                return


def _path(path: str) -> str:
    """Leave shims out, which ask a version manager that is not inside; our own interpreter is found last."""
    parts = (*path.split(os.pathsep), f"{sys.base_prefix}/bin")
    return os.pathsep.join(part for part in parts if part and Path(part).name != _SHIMS)


def _toolchains(program: str) -> tuple[str, ...]:
    """Return the installations that a check may read: the operator's own, never what the commit points to."""
    named = _installation(program) if program.startswith("/") else ""
    return tuple(dict.fromkeys(place for place in (*_found(), named) if place))


@cache
def _found() -> tuple[str, ...]:
    return tuple(_installation(shutil.which(name) or "") for name in _TOOLS)


def _installation(program: str) -> str:
    """Return the folder that holds ``bin`` of a program, empty where it is shown anyway or would show too much."""
    if not program or not Path(program).exists():
        return ""
    place = Path(program).resolve().parent
    folder = place.parent if place.name == "bin" else place
    known = any(folder.is_relative_to(shown) for shown in _SHOWN_ANYWAY)
    too_much = Path.home().is_relative_to(folder) or len(folder.parts) < 3  # noqa: PLR2004 - as /opt/node is
    private = folder in {Path.home() / ".local", Path.home() / ".config"}
    return "" if known or too_much or private or place.name == _SHIMS else str(folder)
