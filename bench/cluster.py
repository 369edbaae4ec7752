"""A PostgreSQL of its own for a measurement: default settings, so every commit reaches the disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALL = "apt-get install postgresql"


def program(name: str) -> str | None:
    """Return the path of a program of PostgreSQL; Debian keeps them off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, places)]))


def missing() -> str:
    """Return why no cluster can be started here, or an empty text."""
    if program("initdb") is None or program("pg_ctl") is None:
        return f"PostgreSQL is not installed; next: {INSTALL}"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL refuses to run as root, and runuser is missing"
    return ""


def _run(name: str, *arguments: str) -> str:
    prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    argv = [*prefix, str(program(name)), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd="/", check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


@contextmanager
def cluster() -> Iterator[Callable[[str], str]]:
    """Start a cluster on loopback; give a function that makes a database and returns its URL."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="kw-bench-pg-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        data = str(folder / "data")
        where = ("-h", "127.0.0.1", "-p", str(port), "-U", "keelway")
        _run("initdb", "-A", "trust", "-U", "keelway", "-E", "UTF8", "-D", data)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        _run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")

        def make(database: str) -> str:
            _run("createdb", *where, database)
            return f"postgresql+psycopg://keelway@127.0.0.1:{port}/{database}"

        try:
            yield make
        finally:
            _run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
