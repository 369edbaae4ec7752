"""PostgreSQL for tests: one throw-away cluster per session, one fresh database per test.

The cluster runs as an unprivileged user, listens on a socket in a directory of its own and forgets
everything with it. Without PostgreSQL the tests are skipped with the command that installs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

PASSWORD = "the right one"
"""Password of the user ``guarded``, whom the cluster asks for it; everybody else is trusted."""

OPTIONS = (
    "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=16MB"
)
_numbers = count(1)


@dataclass(frozen=True)
class Cluster:
    """Hold a running cluster."""

    folder: Path
    programs: Path

    def url(self, database: str, user: str = "keelway") -> str:
        """Return the address of a database."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def sql(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run one statement outside a transaction, as the owner of the cluster."""
        told = f"host={self.folder} user=keelway dbname={database}"
        with psycopg.connect(told, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Begin to serve."""
        options = f"-k {self.folder} {OPTIONS}"
        self._control("-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self) -> None:
        """Stop serving at once, as a crash would."""
        self._control("-m", "immediate", "-w", "stop")

    def _control(self, *words: str) -> None:
        as_somebody(str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), *words)


def as_somebody(*command: str) -> None:
    """Run a program of PostgreSQL, which refuses to run as root."""
    prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    subprocess.run(
        [*prefix, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        cwd="/",
    )


def programs() -> Path | None:
    """Return the directory of PostgreSQL's programs, the newest that is installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    return installed[-1].parent if installed else None


@pytest.fixture(scope="session")
def make_cluster() -> Iterator[Callable[[], Cluster]]:
    """Make a cluster for a test that stops it; the others share ``postgres_cluster``."""
    made: list[Cluster] = []

    def make() -> Cluster:
        place = programs()
        if place is None or (os.geteuid() == 0 and not shutil.which("runuser")):
            pytest.skip("no PostgreSQL here; install it: apt-get install postgresql")
        folder = Path(tempfile.mkdtemp(prefix="kw-pg-"))
        folder.chmod(0o777)
        data = folder / "data"
        as_somebody(
            str(place / "initdb"),
            "-A",
            "trust",
            "-U",
            "keelway",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
            "-D",
            str(data),
        )
        made.append(Cluster(folder, place))
        made[-1].start()
        made[-1].sql(f"CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        _ask_for_password(data)
        made[-1].sql("SELECT pg_reload_conf()")
        return made[-1]

    yield make
    for cluster in made:
        if (cluster.folder / "data" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)


def _ask_for_password(data: Path) -> None:
    (data / "pg_hba.conf").write_text("local all guarded scram-sha-256\nlocal all all trust\n")


@pytest.fixture(scope="session")
def postgres_cluster(make_cluster: Callable[[], Cluster]) -> Cluster:
    """Return the cluster of the session."""
    return make_cluster()


@pytest.fixture(scope="session")
def postgres_ready(postgres_cluster: Cluster) -> str:
    """Return the name of a database with both schemas, to be copied; making one takes a second."""
    from keelway.app.home import Home
    from keelway.app.upkeep.schemas import bring_up

    name = f"ready_{os.getpid()}_{next(_numbers)}"
    postgres_cluster.sql(f"CREATE DATABASE {name}")
    with tempfile.TemporaryDirectory() as home:
        bring_up(Home(Path(home), postgres_cluster.url(name)), lambda _: None)
    return name


@pytest.fixture
def postgres_ready_url(postgres_cluster: Cluster, postgres_ready: str) -> Iterator[str]:
    """Return the address of a fresh database that has both schemas."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    postgres_cluster.sql(f"CREATE DATABASE {name} TEMPLATE {postgres_ready}")
    yield postgres_cluster.url(name)
    postgres_cluster.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """Return the address of a fresh database, which is dropped after the test whoever still uses it."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    postgres_cluster.sql(f"CREATE DATABASE {name}")
    yield postgres_cluster.url(name)
    postgres_cluster.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
