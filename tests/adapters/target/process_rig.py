"""A tiny application in a repository of its own, and a process target that serves it."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.git_rig import git

from keelway.adapters.target.process import ProcessTarget
from keelway.adapters.traffic.front import FrontTraffic
from keelway.clients.balance.carried import CarriedTraffic
from keelway.clients.control import free_port
from keelway.clients.http import HttpClient
from keelway.core.errors import TheirFault
from keelway.core.model.project import (
    EnvironmentSpec,
    MigrationCommands,
    ProbeSpec,
    ProcessCommand,
    Project,
)
from keelway.core.release.version import release_name
from keelway.ports.vault import Vault
from keelway.testing.fakes.vault import FakeVault

PYTHON = sys.executable

WEB = """
import json, os, sqlite3, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def version():
    with sqlite3.connect(os.environ["DB"]) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/env":
            return self.say(200, json.dumps(dict(os.environ)))
        if self.path == "/slow":
            time.sleep(1.0)
        well = not os.path.exists("sick") and version() >= int(open("schema").read())
        self.say(200 if well else 503, os.environ["KEELWAY_RELEASE"])
    def say(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

print("starting with", os.environ.get("TOKEN"), flush=True)
if os.path.exists("crashes"):
    sys.exit("it crashes")
Server(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
WORKER = """
import os, time
while True:
    open(os.path.join(os.environ["DATA"], "beat"), "w").write(os.environ["KEELWAY_RELEASE"])
    time.sleep(0.05)
"""
MIGRATE = """
import os, sqlite3, sys
known = int(open("schema").read())
with sqlite3.connect(os.environ["DB"]) as db:
    now = db.execute("PRAGMA user_version").fetchone()[0]
    if sys.argv[1] == "up":
        now = max(now, known)
    if sys.argv[1] == "down":
        if os.path.exists("oneway"):
            sys.exit("cannot go down")
        now -= int(sys.argv[2])
    db.execute(f"PRAGMA user_version = {now}")
print(now)
"""
SETUP = (
    "import os, sys; os.path.exists('broken') and sys.exit('no such package'); open('made','w').write('x')"
)
FILES = {"web.py": WEB, "worker.py": WORKER, "migrate.py": MIGRATE}


def project_of(ports: tuple[int, int], probes: tuple[ProbeSpec, ...] = (ProbeSpec("health"),)) -> Project:
    env = {"DB": "{data}/app.sqlite", "DATA": "{data}", "ABOUT": "{environment}/{release}"}
    names = ("staging", "production")
    return Project(
        "tiny",
        setup=(PYTHON, "-c", SETUP),
        processes=(
            ProcessCommand("web", (PYTHON, "web.py"), stop_seconds=2),
            ProcessCommand("worker", (PYTHON, "worker.py"), stop_seconds=2),
        ),
        probes=probes,
        migrate=MigrationCommands(
            (PYTHON, "migrate.py", "up"),
            (PYTHON, "migrate.py", "down", "{steps}"),
            (PYTHON, "migrate.py", "status"),
        ),
        sqlite="{data}/app.sqlite",
        log="{data}/app.jsonl",
        environments=tuple(
            EnvironmentSpec(name, port, env, {}) for name, port in zip(names, ports, strict=True)
        ),
    )


@dataclass
class ProcessRig:
    """Serve as yard of the target tests."""

    root: Path
    project: Project
    vault: Vault
    environment: str = "production"
    other: str = "staging"
    patience: float = 5.0
    kind: type[CarriedTraffic] = FrontTraffic
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def origin(self) -> Path:
        return self.root / "origin"

    @property
    def traffic(self) -> CarriedTraffic:
        return self.kind(self.project, str(self.home), PYTHON)

    @property
    def target(self) -> ProcessTarget:
        origin, home = str(self.origin / ".git"), str(self.home)
        wiring = (self.project, origin, home, self.vault, PYTHON, self.traffic)
        return ProcessTarget(*wiring, healthy_seconds=self.patience)

    def commit(self, *traits: str, schema: int = 0) -> str:
        for trait in ("sick", "broken", "oneway", "crashes"):
            path = self.origin / trait
            path.unlink(missing_ok=True)
            if trait in traits:
                path.write_text("x")
        (self.origin / "schema").write_text(str(schema))
        (self.origin / "number").write_text(str(next(self._numbers)))
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-q", "-m", "one more")
        return git(self.origin, "rev-parse", "HEAD")

    def answering(self, environment: str = "production") -> str:
        spec = self.project.environment(environment)
        try:
            with HttpClient(f"http://127.0.0.1:{spec.port}", timeout_seconds=5) as client:
                answer = client.request("GET", "/")
        except TheirFault:
            return ""
        return answer.text if answer.ok else ""

    def built(self, *traits: str, schema: int = 0, environment: str = "production") -> str:
        sha = self.commit(*traits, schema=schema)
        self.target.build(environment, sha, release_name(sha))
        return release_name(sha)

    def live(self, *traits: str, epoch: int = 1, schema: int = 0, environment: str = "production") -> str:
        release = self.built(*traits, schema=schema, environment=environment)
        self.target.migrate(environment, release, None, epoch=epoch)
        self.target.start(environment, release, epoch=epoch)
        self.target.switch(environment, {release: 100}, epoch=epoch)
        self.target.swap_workers(environment, release, epoch=epoch)
        return release


def deliver_to_both(rig: ProcessRig, seconds_max: float) -> str:
    """Deliver one commit to both environments at the same time and return its release."""
    sha = rig.commit()
    release, failures = release_name(sha), []

    def deliver(environment: str) -> None:
        try:
            rig.target.build(environment, sha, release)
            rig.target.migrate(environment, release, None, epoch=1)
            rig.target.start(environment, release, epoch=1)
            rig.target.switch(environment, {release: 100}, epoch=1)
        except Exception as error:  # noqa: BLE001 - a thread hands on whatever went wrong
            failures.append(error)

    threads = [threading.Thread(target=deliver, args=(name,)) for name in ("staging", "production")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds_max)
    assert failures == []
    return release


@contextmanager
def process_rig(
    root: Path, kind: type[CarriedTraffic] = FrontTraffic, **more: object
) -> Iterator[ProcessRig]:
    project = project_of((free_port(), free_port()), **more)  # type: ignore[arg-type]
    rig = ProcessRig(root, project, FakeVault(), kind=kind)
    rig.home.mkdir()
    rig.origin.mkdir()
    git(rig.origin, "init", "-q", "-b", "main")
    for name, text in FILES.items():
        (rig.origin / name).write_text(text)
    try:
        yield rig
    finally:
        rig.target.stop_all(2.0)


def environment_of(rig: ProcessRig, release: str) -> dict[str, str]:
    """Return the environment that the web process of a release sees."""
    state = rig.target.state("production")
    url = next(one.url for one in state.releases if one.release == release)
    with HttpClient(url) as client:
        found = client.request("GET", "/env").json
    assert isinstance(found, dict)
    return found
