"""MariaDB for tests: one throw-away server per session on a socket of its own, one fresh database per test.

Without MariaDB the tests are skipped with the command that installs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

START_SECONDS = 60.0
OPTIONS = (
    "--no-defaults",
    "--skip-networking",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-log-file-size=8M",
    "--skip-log-bin",
)
_numbers = count(1)


@dataclass(frozen=True)
class MysqlServer:
    """Hold a running server."""

    folder: Path

    @property
    def socket(self) -> Path:
        """Return its socket."""
        return self.folder / "s"

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"mysql://keelway@localhost/{database}?unix_socket={self.socket}"

    def sql(self, statement: str, database: str = "mysql") -> list[list[str]]:
        """Run statements as the owner of the server."""
        argv = ("mariadb", "--no-defaults", f"--socket={self.socket}", "--user=keelway", "-N", "-B", "-e")
        done = subprocess.run(
            [*argv, statement, database], check=True, capture_output=True, text=True, timeout=60
        )
        return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[MysqlServer]:
    """Return the server of the session."""
    for name in ("mariadbd", "mariadb-install-db", "mariadb"):
        if not shutil.which(name):
            pytest.skip(f"no {name} here; install it: apt-get install mariadb-server")
    folder = Path(tempfile.mkdtemp(prefix="kw-my-"))
    folder.chmod(0o755)
    user = "mysql" if os.geteuid() == 0 else ""
    data = folder / "data"
    data.mkdir()
    if user:
        shutil.chown(folder, user)
        shutil.chown(data, user)
    owner = (f"--user={user}",) if user else ()
    install = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run([*install, *owner], check=True, capture_output=True, timeout=120)
    server = MysqlServer(folder)
    argv = [
        "mariadbd",
        *OPTIONS,
        *owner,
        f"--datadir={data}",
        f"--socket={server.socket}",
        f"--pid-file={folder}/pid",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        _await(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _await(server: MysqlServer, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers, and make the user of the tests."""
    deadline = time.monotonic() + START_SECONDS
    make = "CREATE USER keelway@localhost; GRANT ALL ON *.* TO keelway@localhost WITH GRANT OPTION"
    argv = ["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root", "-e", make]
    while True:
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30)
        if done.returncode == 0:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"MariaDB did not start: {done.stderr} {log.read_text()[-2_000:]}")
        time.sleep(0.2)


@pytest.fixture
def mysql_url(mysql_server: MysqlServer) -> Iterator[str]:
    """Return the address of a fresh database, which is dropped after the test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    mysql_server.sql(f"CREATE DATABASE {name}")
    yield mysql_server.url(name)
    mysql_server.sql(f"DROP DATABASE IF EXISTS {name}")
