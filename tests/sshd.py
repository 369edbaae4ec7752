"""An ssh server for tests: on loopback, with keys and files of its own, for the user who runs the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from keelway.clients.control import free_port

_UP_SECONDS = 10.0


@dataclass(frozen=True)
class Sshd:
    """Hold a running server."""

    port: int
    key: Path
    known_hosts: Path
    process: subprocess.Popen

    @property
    def address(self) -> str:
        return f"{getpass.getuser()}@127.0.0.1"


def program() -> str:
    """Return the server's program, empty when there is none."""
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or ""


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Run one, or skip when there is none."""
    path = program()
    if not path or not shutil.which("ssh-keygen"):
        pytest.skip("no ssh server here; install it: apt-get install openssh-server")
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True, timeout=20)
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "authorized").chmod(0o600)
    port = free_port()
    # SHLVL: the shell of whoever runs the tests would read its start-up files, which may take seconds.
    (folder / "config").write_text(
        f"""
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
AcceptEnv none
MaxStartups 50:30:100
SetEnv SHLVL=1
"""
    )
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [path, "-D", "-e", "-f", str(folder / "config")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait(port, process, folder / "log")
        yield Sshd(port, folder / "user", folder / "known_hosts", process)
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + _UP_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
