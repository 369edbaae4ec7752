"""Harbor, the sample application: its own checks, its processes and its load generator, all for real."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from defusedxml import ElementTree

from keelway.clients.control import free_port

HARBOR = Path(__file__).parents[2] / "examples" / "harbor"
NOT_COPIED = shutil.ignore_patterns(
    ".venv", "__pycache__", ".*_cache", ".coverage*", "*.db*", "*.jsonl", "*.xml"
)
WAIT_SECONDS_MAX = 20.0

pytestmark = [pytest.mark.long, pytest.mark.slow]


@dataclass(frozen=True)
class Installed:
    """A copy of Harbor with a virtual environment of its own."""

    folder: Path
    python: Path

    def run(self, *argv: str, **variables: str) -> str:
        """Run one command of Harbor to its end and return what it printed."""
        done = subprocess.run(
            self.argv(*argv, **variables),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def argv(self, *argv: str, **variables: str) -> list[str]:
        """Put the environment in front of a command of Harbor's Python."""
        return [
            "env",
            "-u",
            "PYTHONPATH",
            *(f"{k}={v}" for k, v in variables.items()),
            str(self.python),
            *argv,
        ]

    @contextmanager
    def process(self, module: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """Keep a process of Harbor running; kill it if the test does not stop it."""
        with subprocess.Popen(self.argv("-m", module, **variables), cwd=self.folder) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


@pytest.fixture(scope="module")
def harbor(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("uv cannot be run: install it to walk through the sample application")
    folder = shutil.copytree(HARBOR, tmp_path_factory.mktemp("walk") / "harbor", ignore=NOT_COPIED)
    done = subprocess.run(
        [
            "env",
            "-u",
            "VIRTUAL_ENV",
            "-u",
            "UV_PROJECT_ENVIRONMENT",
            uv,
            "sync",
            "--frozen",
            "--python",
            sys.executable,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Installed(folder, folder / ".venv" / "bin" / "python")


@pytest.fixture
def variables(harbor: Installed, tmp_path: Path) -> dict[str, str]:
    settings = {
        "HARBOR_DB": str(tmp_path / "harbor.db"),
        "HARBOR_LOG": str(tmp_path / "harbor.log"),
        "HARBOR_ENV": "production",
        "HARBOR_RELEASE": "r1",
        "PORT": str(free_port()),
    }
    harbor.run("-m", "harbor.migrate", "up", **settings)
    return settings


def health(port: str) -> dict[str, object]:
    """Wait until the web process answers and return what it says."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer,
        ):
            return dict(json.load(answer))
        time.sleep(0.02)
    raise AssertionError(f"nothing answered on port {port} within {WAIT_SECONDS_MAX} s")


def load(port: str, out: Path, *, rate: int = 40, seconds: float = 0) -> subprocess.Popen[str]:
    """Start the load generator with the interpreter of this test."""
    argv = [
        sys.executable,
        str(HARBOR / "loadgen.py"),
        "--url",
        f"http://127.0.0.1:{port}",
        "--out",
        str(out),
    ]
    return subprocess.Popen(
        [*argv, "--rate", str(rate), "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True
    )


def summary(generator: subprocess.Popen[str]) -> dict[str, int]:
    said, _ = generator.communicate(timeout=WAIT_SECONDS_MAX)
    assert generator.returncode == 0
    return dict(json.loads(said))


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(WAIT_SECONDS_MAX)


def lines_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.long
def test_its_own_checks_pass_and_reach_every_line(harbor: Installed) -> None:
    harbor.run("-m", "ruff", "check", ".")
    harbor.run("-m", "pytest", "-q", "--junitxml=junit.xml", "--cov", "--cov-report=json:cov.json")
    [suite] = ElementTree.fromstring((harbor.folder / "junit.xml").read_text()).iter("testsuite")
    assert int(suite.attrib["tests"]) > 50
    assert [suite.attrib[kind] for kind in ("failures", "errors", "skipped")] == ["0", "0", "0"]
    assert json.loads((harbor.folder / "cov.json").read_text())["totals"]["missing_lines"] == 0


def test_the_schema_goes_up_and_down(harbor: Installed, variables: dict[str, str]) -> None:
    def status() -> dict[str, object]:
        return dict(json.loads(harbor.run("-m", "harbor.migrate", "status", "--json", **variables)))

    latest = status()["latest"]
    assert status() == {"version": latest, "latest": latest, "pending": []}
    harbor.run("-m", "harbor.migrate", "down", "--steps", "1", **variables)
    assert status()["pending"] == [latest]
    harbor.run("-m", "harbor.migrate", "up", **variables)
    assert status()["version"] == latest


def test_steady_traffic_fails_nowhere_and_a_stop_loses_nothing(
    harbor: Installed, variables: dict[str, str], tmp_path: Path
) -> None:
    port, out = variables["PORT"], tmp_path / "load.jsonl"
    with (
        harbor.process("harbor.web", **variables) as web,
        harbor.process("harbor.worker", **variables) as worker,
    ):
        assert health(port)["status"] == "ok"
        generator = load(port, out)
        time.sleep(3)
        generator.send_signal(signal.SIGTERM)
        figures = summary(generator)
        assert finish_after_stop(web, int(port)) == b"HTTP/1.1 202 Accepted"
        assert web.wait(WAIT_SECONDS_MAX) == 0
        assert stop(worker) == 0
    assert figures["failed"] == figures["not_sent"] == 0
    assert figures["requests"] == len(lines_of(out)) > 60
    assert {line["method"] for line in lines_of(out)} == {"GET", "POST"}
    log = lines_of(Path(variables["HARBOR_LOG"]))
    assert not [line for line in log if line["level"] == "ERROR"]
    assert {"web stopped", "worker stopped"} <= {line["message"] for line in log}


def finish_after_stop(web: subprocess.Popen[bytes], port: int) -> bytes:
    """Send half a request, stop the web process, send the rest; return the status line of the answer."""
    body = b'{"echo": "the last one out"}'
    head = (
        b"POST /jobs HTTP/1.1\r\nHost: harbor\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS_MAX) as connection:
        connection.sendall(head % len(body) + body[:5])
        time.sleep(0.2)
        web.send_signal(signal.SIGTERM)
        wait_until_closed(port)
        connection.sendall(body[5:])
        return connection.recv(4096).split(b"\r\n")[0]


def wait_until_closed(port: int) -> None:
    """Wait until the server takes no new connections, so that the stop has begun."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("the server still takes connections after SIGTERM")


def test_two_releases_share_one_database(
    harbor: Installed, variables: dict[str, str], tmp_path: Path
) -> None:
    releases = [variables, {**variables, "HARBOR_RELEASE": "r2", "PORT": str(free_port())}]
    with ExitStack() as running:
        for settings in releases:
            running.enter_context(harbor.process("harbor.web", **settings))
            running.enter_context(harbor.process("harbor.worker", **settings))
        for settings in releases:
            assert health(settings["PORT"])["release"] == settings["HARBOR_RELEASE"]
        generators = [
            load(settings["PORT"], tmp_path / f"{settings['HARBOR_RELEASE']}.jsonl", rate=40, seconds=1.5)
            for settings in releases
        ]
        assert [summary(generator)["failed"] for generator in generators] == [0, 0]
        assert all(
            isinstance(health(settings["PORT"])["worker_seen_seconds"], float) for settings in releases
        )


def test_the_load_generator_counts_what_gets_no_answer(tmp_path: Path) -> None:
    out = tmp_path / "load.jsonl"
    figures = summary(load(str(free_port()), out, rate=40, seconds=0.5))
    assert figures["failed"] == figures["requests"] == len(lines_of(out)) == 20
    assert all(line["error"] for line in lines_of(out))
