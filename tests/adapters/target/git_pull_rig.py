"""A clone that serves what lies in it, as a PHP application would, and a target that moves it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.adapters.target.in_place_yard import InPlaceYard
from tests.adapters.target.process_rig import MIGRATE
from tests.conformance.git_rig import git

from keelway.adapters.target.git_pull import GitPullTarget
from keelway.clients.http import HttpClient
from keelway.core.errors import TheirFault
from keelway.core.model.project import EnvironmentSpec, MigrationCommands, ProbeSpec, Project
from keelway.core.release.version import release_name
from keelway.core.target.spec import GitPullSpec, StepSpec, TargetSpec
from keelway.testing.fakes.vault import FakeVault

PYTHON = sys.executable
TRAITS = ("sick", "oneway", "fails", "hangs", "alters")
PACKAGES = """
import os, sys, subprocess, time
if os.path.exists("fails"):
    print("no such package"); sys.exit(3)
if os.path.exists("hangs"):
    subprocess.Popen(["sleep", "300"], start_new_session=True); print("waits", flush=True); time.sleep(300)
if os.path.exists("alters"):
    open("number", "a").write("x")
"""
STEPS = (
    StepSpec("packages", (PYTHON, "packages.py"), "before", 20.0),
    StepSpec("note", ("sh", "-c", 'echo "$KEELWAY_RELEASE $1" >>"$NOTES"', "-", "{sha}")),
)


class Site(ThreadingHTTPServer):
    """Answer from the files of a folder, read anew for each request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder = folder
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        folder = self.server.folder
        name = folder / "number"
        status = 503 if (folder / "sick").exists() or not name.exists() else 200
        body = name.read_bytes() if name.exists() else b"nothing"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@dataclass
class GitPullRig(InPlaceYard):
    """Serve as yard of the target tests."""

    sites: dict[str, Site]
    vault: FakeVault
    patience: float = 1.5
    releases: dict[str, str] = field(default_factory=dict)
    kind = "git_pull"
    traits = TRAITS

    @property
    def clone(self) -> Path:
        return self.root / self.environment

    @property
    def notes(self) -> Path:
        return self.root / "notes"

    @property
    def target(self) -> GitPullTarget:
        git_dir, home = self.places
        return GitPullTarget(self.project, git_dir, home, self.vault, PYTHON, healthy_seconds=self.patience)

    def commit(self, *traits: str, schema: int = 0) -> str:
        (self.origin / "schema").write_text(str(schema))
        number, sha = self.numbered(traits)
        self.releases[number] = release_name(sha)
        return sha

    def answering(self, environment: str = "production") -> str:
        try:
            with HttpClient(f"http://127.0.0.1:{self.sites[environment].port}", timeout_seconds=5) as client:
                answer = client.request("GET", "/")
        except TheirFault:
            return ""
        return self.releases.get(answer.text, "") if answer.ok else ""

    def built(self, *traits: str, schema: int = 0) -> str:
        sha = self.commit(*traits, schema=schema)
        return self.target.build(self.environment, sha, release_name(sha)).release

    def live(self, *traits: str, epoch: int = 1) -> str:
        release = self.built(*traits)
        self.target.switch(self.environment, {release: 100}, epoch=epoch)
        return release


@contextmanager
def git_pull_rig(root: Path, **settings: object) -> Iterator[GitPullRig]:
    names = ("staging", "production")
    sites = {name: Site(root / name) for name in names}
    for folder in ("home", "origin", *names):
        (root / folder).mkdir(mode=0o700)
        if folder != "home":
            git(root / folder, "init", "-q", "-b", "main")
    for name, text in {"packages.py": PACKAGES, "migrate.py": MIGRATE}.items():
        (root / "origin" / name).write_text(text)
    (root / "origin" / ".gitignore").write_text("made\n")
    migrate = (PYTHON, "migrate.py")
    project = Project(
        "tiny",
        probes=(ProbeSpec("health", "/"),),
        migrate=MigrationCommands((*migrate, "up"), (*migrate, "down", "{steps}"), (*migrate, "status")),
        environments=tuple(
            EnvironmentSpec(
                name,
                site.port,
                {"DB": str(root / f"{name}.sqlite"), "NOTES": str(root / "notes")},
                target=TargetSpec("git_pull", git_pull=GitPullSpec(str(root / name), step=STEPS)),
            )
            for name, site in sites.items()
        ),
    )
    rig = GitPullRig(root, project, sites, FakeVault())
    rig.alter(**settings)
    try:
        yield rig
    finally:
        for site in sites.values():
            site.end()
