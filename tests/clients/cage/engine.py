"""A container engine for tests: Podman's service on a socket of its own, with a small image made from this machine.

Nothing is pulled. Where this machine may not raise limits, the runtime is started through a shim that leaves them
as they are. Where Podman is missing or does not run, the reason is said.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IMAGE = "localhost/keelway-test:1"
PROGRAMS = ("dash", "cat", "id", "ls", "sleep", "env", "dd", "touch", "chmod", "head", "grep")
LEFT_OUT = ("test", "idlelib", "tkinter", "ensurepip", "lib2to3", "distutils", "pydoc_data", "__pycache__")
SHIM = """#!{python} -IS
import json, os, sys
words = sys.argv[1:]
for flag, inner in (("--bundle", "config.json"), ("-b", "config.json"), ("--process", ""), ("-p", "")):
    if flag in words:
        path = os.path.join(words[words.index(flag) + 1], inner).rstrip("/")
        with open(path) as file:
            config = json.load(file)
        config.get("process", config).pop("rlimits", None)
        with open(path, "w") as file:
            json.dump(config, file)
os.execv({runc!r}, ["runc", *words])
"""
CONFIG = """
[engine]
runtime = "keelway-runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
keelway-runc = ["{shim}"]
"""


class NoEngine(Exception):
    """Say why there is no engine here."""


@dataclass(frozen=True)
class Engine:
    """Name a running engine."""

    address: str
    image: str
    words: tuple[str, ...]
    env: dict[str, str]

    def names(self) -> list[str]:
        """Return the containers that are there, running or not."""
        done = self.podman("ps", "--all", "--quiet")
        return done.stdout.split()

    def podman(self, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Ask Podman itself."""
        return subprocess.run(
            [*self.words, *words], env=self.env, capture_output=True, text=True, timeout=60, check=False
        )


@contextmanager
def engine() -> Iterator[Engine]:
    """Start an engine, give it the image and try that out.

    Raises:
        NoEngine: why that is not possible here.
    """
    podman, runc = shutil.which("podman"), shutil.which("runc")
    if not podman or not runc:
        raise NoEngine("no podman or runc here; install them: apt-get install podman runc")
    if os.geteuid() != 0:
        raise NoEngine("the tests of containers need root")
    folder = Path(tempfile.mkdtemp(prefix="kw-engine-"))
    try:
        shim, config = folder / "runtime", folder / "containers.conf"
        shim.write_text(SHIM.format(python=os.path.realpath(sys.executable), runc=runc))
        shim.chmod(0o755)
        config.write_text(CONFIG.format(shim=shim))
        env = {"PATH": os.environ["PATH"], "CONTAINERS_CONF": str(config), "HOME": str(folder)}
        words = (podman, "--root", str(folder / "storage"), "--runroot", str(folder / "run"))
        started = Engine(f"unix://{folder}/engine.sock", IMAGE, words, env)
        _import(started, folder / "image.tar")
        service = subprocess.Popen(
            [*words, "system", "service", "--time", "0", started.address],
            cwd=folder,  # conmon writes a file "oom" where it stands when a container's memory runs out
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(folder / "engine.sock", service)
            yield started
        finally:
            started.podman("rm", "--all", "--force", "--time", "0")
            service.terminate()
            service.wait(20)
            started.podman("system", "reset", "--force")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _import(engine: Engine, path: Path) -> None:
    make_image(path)
    done = engine.podman("import", str(path), IMAGE)
    path.unlink()
    if done.returncode:
        raise NoEngine(f"podman cannot import an image: {done.stderr[-300:]}")
    done = engine.podman(
        "run", "--rm", "--pull", "never", "--network", "none", IMAGE, "python3", "-c", "print(7)"
    )
    if done.stdout != "7\n":
        raise NoEngine(f"podman cannot run a container: {done.stderr[-300:]}")


def _wait(socket: Path, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while not socket.exists():
        if service.poll() is not None or time.monotonic() > deadline:
            raise NoEngine("podman's service does not come up")
        time.sleep(0.05)


def make_image(path: Path) -> None:
    """Write a file system with a shell, a few programs and Python, taken from this machine."""
    python = Path("/usr/bin/python3").resolve()
    library = Path(
        json.loads(_said(str(python), "-c", "import json, os; print(json.dumps(os.__file__))"))
    ).parent
    modules = [file for file in library.rglob("*") if not set(file.parts) & set(LEFT_OUT)]
    programs = {Path("/usr/bin", name): f"usr/bin/{name}" for name in PROGRAMS} | {python: "usr/bin/python3"}
    binaries = [*map(str, programs), *(str(file) for file in modules if file.suffix == ".so")]
    libraries = set(re.findall(r"(/\S+\.so\S*) \(", _said("ldd", *binaries)))
    with tarfile.open(path, "w") as archive:
        for folder in ("usr", "usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "dev", "sys", "run"):
            archive.addfile(_folder(folder, 0o755))
        for folder, mode in (("tmp", 0o1777), ("root", 0o700)):
            archive.addfile(_folder(folder, mode))
        for name in ("bin", "lib", "lib64"):
            archive.addfile(_link(name, f"usr/{name}"))
        archive.addfile(_link("usr/bin/sh", "dash"))
        for file, name in programs.items():
            archive.add(file.resolve(), name)
        for file in libraries:
            archive.add(Path(file).resolve(), re.sub(r"^/(?:usr/)?", "usr/", file))
        for file in modules:
            archive.add(file.resolve(), str(file).lstrip("/"), recursive=False)


def _folder(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    return entry


def _link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout


if __name__ == "__main__":
    try:
        with engine():
            print("containers can be tested here")
    except NoEngine as reason:
        sys.exit(str(reason))
