"""Run a command in a container and be it: its outputs and its exit code are ours, and it ends when we do.

Started as ``python -I container.py -- command``; ``spec.py`` reads the specification, which is a ``Wish``. Further:

- ``container.py --ask ENGINE IMAGE`` prints what the engine is and whether it has the image, as JSON
- ``container.py --remove ENGINE LABEL`` removes the containers of a run
- ``container.py --mourn ENGINE`` reads the name of a container, waits until its input ends, and removes it unless
  it was told that it is gone; this is how a container ends with us even when we are killed
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, fields
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

sys.path.append(str(Path(__file__).parents[3]))

from keelway.programs.cage.spec import read_spec

LABEL = "keelway.run"
_FAILED = 125
_HEADER = struct.Struct(">BxxxI")
_COMPLAINTS = 2
_CHUNK_BYTES = 65_536
_CALL_SECONDS = 60
_NEVER = 10_000_000
_GONE = "gone"
_UNIX = "unix://"


@dataclass(frozen=True)
class Wish:
    """Say what the container is to be."""

    engine: str
    image: str
    label: str
    env: dict[str, str]
    cwd: str
    user: str
    binds: list[list[str]]
    """Path here, path inside, and ``ro`` or ``rw``."""
    temporary: dict[str, str]
    """Path to the options of a file system in memory."""
    temporary_bytes: int
    memory_bytes: int
    processes_max: int
    file_bytes_max: int


def main() -> int:
    """Do what the arguments say."""
    words = sys.argv[1:]
    verbs: dict[str, Callable[..., int]] = {"--ask": ask, "--remove": remove, "--mourn": mourn}
    try:
        if words[0] in verbs:
            return verbs[words[0]](*words[1:])
        told = read_spec()
        wish = Wish(**{field.name: told[field.name] for field in fields(Wish)})
        return Contained(wish).run(words[1:])
    except ImportError:
        _give_up('the container sandbox needs an extra: pip install "keelway[container]"')
    except Exception as error:  # noqa: BLE001 - an engine fails in many ways, each is told and ends us
        _give_up(" ".join(str(error).split())[:1_000])


def _give_up(why: str) -> NoReturn:
    sys.stderr.write(f"keelway: the container could not be run: {why}\n")
    sys.exit(_FAILED)


def ask(address: str, image: str) -> int:
    """Print what the engine is and whether it has the image."""
    client = _engine(address)
    info = client.info()
    told = {
        "version": str(client.version().get("Version", "")),
        "rootless": any("rootless" in str(word) for word in info.get("SecurityOptions") or ()),
        "memory": bool(info.get("MemoryLimit")),
        "images": len(client.images.list(name=image)) if image else 0,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def remove(address: str, label: str) -> int:
    """Remove every container of a run, whatever it does."""
    wanted = json.dumps({"label": [f"{LABEL}={label}"]})
    found = _call(address, "GET", f"/containers/json?all=true&filters={urllib.parse.quote(wanted)}")
    for each in json.loads(found):
        _call(address, "DELETE", f"/containers/{each['Id']}?force=true&v=true")
    return 0


def mourn(address: str) -> int:
    """Remove the container whose name comes over the input, once the input ends without saying that it is gone."""
    if os.fork():
        return 0  # whoever is killed with all its children is not killed with us
    name, _, last = sys.stdin.read().partition("\n")
    if name and last != _GONE:
        _call(address, "DELETE", f"/containers/{name}?force=true&v=true")
    return 0


def _engine(address: str, seconds: int = _CALL_SECONDS) -> Any:
    docker: Any = importlib.import_module("docker")
    return docker.DockerClient(base_url=address, timeout=seconds)


def _call(address: str, method: str, path: str) -> bytes:
    """Ask an engine something simple; the library that knows engines takes a second to load.

    Raises:
        OSError: it does not answer, or not well; a container that is gone is well.
    """
    if not address.startswith(_UNIX):
        api = _engine(address).api
        answer = api._session.request(method, api.base_url + path, timeout=_CALL_SECONDS)  # noqa: SLF001
        return bytes(answer.content)
    line = http.client.HTTPConnection("localhost", timeout=_CALL_SECONDS)
    line.sock = socket.socket(socket.AF_UNIX)
    line.sock.settimeout(_CALL_SECONDS)
    line.sock.connect(address.removeprefix(_UNIX))
    with contextlib.closing(line):
        line.request(method, path)
        answer = line.getresponse()
        said = answer.read()
    if answer.status >= HTTPStatus.BAD_REQUEST and answer.status != HTTPStatus.NOT_FOUND:
        raise OSError(0, f"{method} {path}: {answer.status} {said[:200]!r}")
    return said


class Contained:
    """Own one container from its making to its removal."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._client = _engine(wish.engine, _NEVER)
        self._name = ""
        self._mourner = self._leave_a_mourner()

    def run(self, command: list[str]) -> int:
        """Make the container, join its streams to ours and return its exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _: sys.exit(128 + received))
        try:
            return self._attended(command)
        finally:
            if self._remove():
                self._tell(_GONE)

    def _attended(self, command: list[str]) -> int:
        api = self._client.api
        self._name = str(api.create_container_from_config(self._config(command))["Id"])
        self._tell(self._name + "\n")
        streams = api.attach_socket(
            self._name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1, "logs": 0}
        )
        line: socket.socket = getattr(streams, "_sock", streams)
        line.settimeout(None)
        api.start(self._name)
        threading.Thread(target=_feed, args=(line,), daemon=True).start()
        _drain(streams)
        return int(api.wait(self._name)["StatusCode"])

    def _config(self, command: list[str]) -> dict[str, Any]:
        wish, api = self._wish, self._client.api
        config: dict[str, Any] = api.create_container_config(
            wish.image,
            command,
            user=wish.user,
            working_dir=wish.cwd,
            environment=wish.env,
            stdin_open=True,
            tty=False,
            entrypoint=[],
            labels={LABEL: wish.label},
            host_config=self._host_config(),
        )
        return {**config, "StdinOnce": True, "AttachStdin": True}

    def _host_config(self) -> Any:
        wish = self._wish
        sizes = {"core": 0} | ({"fsize": wish.file_bytes_max} if wish.file_bytes_max else {})
        config: dict[str, Any] = self._client.api.create_host_config(
            tmpfs=wish.temporary,
            shm_size=wish.temporary_bytes or None,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            network_mode="none",
            ipc_mode="private",
            mem_limit=wish.memory_bytes or None,
            memswap_limit=wish.memory_bytes or None,
            pids_limit=wish.processes_max or None,
            ulimits=[{"name": name, "soft": size, "hard": size} for name, size in sizes.items()],
        )
        mounts = [
            {"Type": "bind", "Source": here, "Target": inside, "ReadOnly": how == "ro"}
            for here, inside, how in wish.binds
        ]
        return {**config, "Mounts": mounts}

    def _remove(self) -> bool:
        """Remove the container; tell whether nothing of it can be left."""
        try:
            if self._name:
                _call(self._wish.engine, "DELETE", f"/containers/{self._name}?force=true&v=true")
        except Exception:  # noqa: BLE001 - whatever it is, somebody else has to try again
            return False
        return bool(self._name)

    def _tell(self, words: str) -> None:
        if self._mourner.stdin:
            self._mourner.stdin.write(words)
            self._mourner.stdin.flush()

    def _leave_a_mourner(self) -> subprocess.Popen[str]:
        """Start who removes the container if we are killed before we can; it is no child of ours."""
        left = subprocess.Popen(
            [sys.executable, "-I", __file__, "--mourn", self._wish.engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
            text=True,
        )
        left.wait(_CALL_SECONDS)
        return left


def _feed(line: socket.socket) -> None:
    """Hand our input on, and its end."""
    with contextlib.suppress(OSError):
        while data := os.read(0, _CHUNK_BYTES):
            line.sendall(data)
        line.shutdown(socket.SHUT_WR)


def _drain(streams: Any) -> None:
    """Take the two outputs apart until both have ended."""
    while len(header := _exactly(streams, _HEADER.size)) == _HEADER.size:
        kind, size = _HEADER.unpack(header)
        data = _exactly(streams, size)
        into = _COMPLAINTS if kind == _COMPLAINTS else 1
        while data:
            data = data[os.write(into, data) :]


def _exactly(streams: Any, size: int) -> bytes:
    data = b""
    take = streams.recv if hasattr(streams, "recv") else streams.read
    while len(data) < size:
        part = take(size - len(data))
        if not part:
            break
        data += part
    return data


if __name__ == "__main__":
    sys.exit(main())
