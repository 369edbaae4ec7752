"""Give orders to a container engine, and say plainly what went wrong."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from keelway.clients.container.line import NOT_THERE, UNREACHABLE, Line
from keelway.clients.container.values import Contained, Wanted, contained
from keelway.clients.shell import Done, create_time, end_tree
from keelway.core.errors import KeelwayError, TheirFault, YourFault

_SOCKETS = ("/var/run/docker.sock", "/run/podman/podman.sock", "/run/user/{uid}/podman/podman.sock")
_UNIX = "unix://"
_EXTRA_SECONDS = 30.0
_STOPS_MAX = 5
_RESTART_SECONDS = 1.5
_NEWEST = (1, 44)
"""Newest version of the API that is spoken here; an engine that is older is spoken to in its own."""

_FRAME = struct.Struct(">BxxxI")
_COMPLAINTS = 2
_TAIL_LINES = 40


class Engine:
    """Order one engine of this machine about; ``address`` is its Unix socket."""

    def __init__(self, address: str = "") -> None:
        self.address = address or _usual()

    @cached_property
    def line(self) -> Line:
        """Return the line to the engine.

        Raises:
            YourFault: there is no engine here, or it is none of this machine.
        """
        if not self.address:
            raise YourFault(
                "no_engine",
                "There is no socket of a container engine on this machine.",
                "apt-get install podman && systemctl enable --now podman.socket, or set engine in keelway.toml",
            )
        if not self.address.startswith(_UNIX):
            raise YourFault(
                "engine_far",
                f"The engine {self.address} is not on this machine, and the data and the traffic are.",
                f"set engine to {_UNIX} and the path of its socket",
            )
        return Line(self.address.removeprefix(_UNIX))

    @cached_property
    def root(self) -> str:
        """Return where the paths of the API begin, in a version that both sides speak."""
        said = self.line.value("/version")
        theirs, oldest = (_version(said.get(name)) for name in ("ApiVersion", "MinAPIVersion"))
        major, minor = max(min(theirs, _NEWEST), oldest)
        return f"/v{major}.{minor}"

    def about(self) -> tuple[str, Mapping[str, Any]]:
        """Ask the engine for its version and what it can do."""
        version = str(self.line.value("/version").get("Version", "unknown"))
        return version, self.line.value(f"{self.root}/info")

    def make(self, wanted: Wanted) -> None:
        """Make a container and start it; one that cannot be started is removed again.

        Raises:
            TheirFault: there is one of this name (``container_conflict``), or the engine refused.
        """
        self.line.call("POST", f"{self.root}/containers/create", {"name": wanted.name}, wanted.config())
        try:
            self.line.call("POST", f"{self.root}/containers/{wanted.name}/start")
        except BaseException:
            self.remove(wanted.name)
            raise

    def find(self, name: str) -> Contained | None:
        """Return a container by its name or identity; None when there is none."""
        try:
            return contained(self.line.value(f"{self.root}/containers/{name}/json"))
        except TheirFault as error:
            if error.code == NOT_THERE:
                return None
            raise

    def having(self, labels: Mapping[str, str]) -> tuple[Contained, ...]:
        """Return every container with these labels, running or not, in the order of names."""
        wanted = json.dumps({"label": [f"{name}={value}" for name, value in labels.items()]})
        said = self.line.value(f"{self.root}/containers/json", {"all": "true", "filters": wanted})
        found = (self.find(str(one["Id"])) for one in said)
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.name))

    def stop(self, name: str, seconds: float) -> None:
        """Let a container end, and end it after this time; one that is gone has ended.

        One that crashed a moment ago is ended already, and the engine starts it again all the same: it is waited for.

        Raises:
            TheirFault: it is started again and again (``not_stopped``).
        """
        path, deadline = f"{self.root}/containers/{name}/stop", {"t": max(1, round(seconds))}
        with _suffering(NOT_THERE):
            for _ in range(_STOPS_MAX):
                if self.line.order(path, deadline, seconds + _EXTRA_SECONDS) or not self._comes_back(name):
                    return
            raise TheirFault(
                "not_stopped", f"{name} was started again {_STOPS_MAX} times while it was stopped."
            )

    def _comes_back(self, name: str) -> bool:
        """Tell whether the engine starts a container again that has ended."""
        deadline = time.monotonic() + _RESTART_SECONDS
        while time.monotonic() < deadline:
            found = self.find(name)
            if found is None or found.alive:
                return found is not None
            time.sleep(_RESTART_SECONDS / 10)
        return False

    def remove(self, name: str) -> None:
        """Remove a container whatever it does; one that is gone is removed already."""
        with _suffering(NOT_THERE):
            self.line.call("DELETE", f"{self.root}/containers/{name}", {"force": "true", "v": "true"})

    def wait(self, name: str, seconds_max: float) -> int | None:
        """Wait until a container has ended and return its exit code; None when it still runs."""
        try:
            path = f"{self.root}/containers/{name}/wait"
            return int(json.loads(self.line.call("POST", path, seconds=seconds_max))["StatusCode"])
        except TheirFault as error:
            if error.code != UNREACHABLE:
                raise
            found = self.find(name)
            if found is None:
                raise TheirFault(NOT_THERE, f"{name} was removed while it was waited for.") from error
            return found.exit_code

    def printed(self, name: str, lines: int = 0) -> tuple[bytes, bytes]:
        """Return both outputs of a container, or their last lines; the engine bounds what it keeps of them."""
        query = {"stdout": "true", "stderr": "true", "tail": str(lines or "all")}
        return _apart(self.line.call("GET", f"{self.root}/containers/{name}/logs", query))

    def last_lines(self, name: str, chars_max: int = 2_000) -> str:
        """Return the last lines of a container for an error message."""
        try:
            text = b"".join(self.printed(name, _TAIL_LINES)).decode("utf-8", "replace").strip()
        except KeelwayError as error:
            return f"its output cannot be read: {error.message}"
        return text[-chars_max:] or "it said nothing"

    def inside(self, name: str, argv: Sequence[str], seconds_max: float) -> Done:
        """Run a command in a container that runs, with its environment; it is ended when it takes too long.

        Raises:
            TheirFault: there is no such container, it does not run, or the engine does not answer.
        """
        began = time.monotonic()
        order = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
        made = json.loads(self.line.call("POST", f"{self.root}/containers/{name}/exec", body=order))
        path, detach = f"{self.root}/exec/{made['Id']}", {"Detach": False, "Tty": False}
        try:
            said = _apart(self.line.call("POST", f"{path}/start", body=detach, seconds=seconds_max))
        except TheirFault as error:
            if error.code != UNREACHABLE:
                return Done(None, could_not_start=error.message)
            pid = int(self.line.value(f"{path}/json").get("Pid") or 0)
            if pid > 1 and (born := create_time(pid)) is not None:
                end_tree(pid, born, 0)
            return Done(None, seconds=time.monotonic() - began, timed_out=True)
        code = self.line.value(f"{path}/json").get("ExitCode")
        return Done(None if code is None else int(code), *said, time.monotonic() - began)

    def once(self, wanted: Wanted, seconds_max: float) -> Done:
        """Run a command in a container of its own to its end or its timeout; nothing of it is left.

        One of the same name that an earlier life left is waited for, as long as the command may take, and removed.
        """
        began = time.monotonic()
        if self.find(wanted.name) is not None:
            self.wait(wanted.name, seconds_max)
            self.remove(wanted.name)
        try:
            self.make(wanted)
        except TheirFault as error:
            return Done(None, could_not_start=error.message)
        try:
            code = self.wait(wanted.name, seconds_max)
            out, err = self.printed(wanted.name)
            return Done(code, out, err, time.monotonic() - began, timed_out=code is None)
        finally:
            self.remove(wanted.name)


def _apart(data: bytes) -> tuple[bytes, bytes]:
    """Take the two outputs apart that an engine sends as one."""
    out, err, at = bytearray(), bytearray(), 0
    while at + _FRAME.size <= len(data):
        kind, size = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        (err if kind == _COMPLAINTS else out).extend(data[at : at + size])
        at += size
    return bytes(out), bytes(err)


@contextmanager
def _suffering(code: str) -> Iterator[None]:
    try:
        yield
    except TheirFault as error:
        if error.code != code:
            raise


def _usual() -> str:
    places = [Path(text.format(uid=os.geteuid())) for text in _SOCKETS]
    return next((f"{_UNIX}{place}" for place in places if place.exists()), "")


def _version(text: object) -> tuple[int, int]:
    try:
        major, _, minor = str(text).partition(".")
        return int(major), int(minor)
    except ValueError:
        return 1, 24
