"""A Docker engine for tests: the daemon on a socket of its own, with the image that Podman's tests use.

Nothing is pulled, and neither another Docker nor the network of this machine is touched: containers are run in its
network, or in none. Where there is no Docker, the reason is said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.cage.engine import IMAGE, SHIM, Engine, NoEngine, make_image

_UP_SECONDS = 60


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """Start a daemon and give it the image.

    Raises:
        NoEngine: why that is not possible here.
    """
    dockerd, docker, runc = (shutil.which(name) for name in ("dockerd", "docker", "runc"))
    if not dockerd or not docker or not runc:
        raise NoEngine("no dockerd here; install it: apt-get install docker.io")
    if os.geteuid() != 0:
        raise NoEngine("the tests of containers need root")
    folder = Path(tempfile.mkdtemp(prefix="kw-dockerd-"))
    try:
        shim = folder / "runtime"
        shim.write_text(SHIM.format(python=os.path.realpath(sys.executable), runc=runc))
        shim.chmod(0o755)
        address = f"unix://{folder}/engine.sock"
        env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        with (folder / "log").open("wb") as log, _daemon(dockerd, folder, address, env, log):
            started = Engine(address, IMAGE, (docker, "-H", address), env)
            _fill(started, folder)
            yield started
            started.podman("rm", "--force", *started.names())
    finally:
        for mounted in _mounts(folder):
            subprocess.run(["umount", "--lazy", mounted], capture_output=True, timeout=20, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _daemon(dockerd: str, folder: Path, address: str, env: dict[str, str], log: object) -> Iterator[None]:
    words = {
        "--data-root": folder / "data",
        "--exec-root": folder / "exec",
        "--pidfile": folder / "pid",
        "--host": address,
        "--add-runtime": f"keelway={folder}/runtime",
        "--default-runtime": "keelway",
        "--bridge": "none",
    }
    argv = [dockerd, "--iptables=false", *(str(word) for pair in words.items() for word in pair)]
    daemon = subprocess.Popen(argv, env=env, stdout=log, stderr=log)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + _UP_SECONDS
        while not (folder / "engine.sock").exists():
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise NoEngine(f"dockerd does not come up: {(folder / 'log').read_text()[-300:]}")
            time.sleep(0.05)
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


def _fill(engine: Engine, folder: Path) -> None:
    make_image(folder / "image.tar")
    done = engine.podman("import", str(folder / "image.tar"), IMAGE)
    (folder / "image.tar").unlink()
    if done.returncode:
        raise NoEngine(f"docker cannot import an image: {done.stderr[-300:]}")
    done = engine.podman("run", "--rm", "--network", "none", IMAGE, "python3", "-c", "print(7)")
    if done.stdout != "7\n":
        raise NoEngine(f"docker cannot run a container: {done.stderr[-300:]}")


def _mounts(folder: Path) -> list[str]:
    lines = Path("/proc/mounts").read_text().splitlines()
    return [line.split(" ")[1] for line in reversed(lines) if line.split(" ")[1].startswith(f"{folder}/")]
