"""A platform in miniature: it watches a branch of a real repository, builds what is pushed and serves it."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.adapters.target.in_place_yard import InPlaceYard
from tests.conformance.git_rig import git

from keelway.adapters.target.platform import PlatformTarget
from keelway.clients.http import HttpClient
from keelway.core.errors import TheirFault
from keelway.core.model.project import EnvironmentSpec, ProbeSpec, Project
from keelway.core.release.version import release_name
from keelway.core.target.spec import PlatformSpec, TargetSpec
from keelway.testing.fakes.vault import FakeVault

PYTHON = sys.executable
ASK = """
import sys, urllib.request
print(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10).read().decode())
"""
BUILD_SECONDS = 0.15
NAMES = ("staging", "production")


@dataclass
class Deployment:
    """Hold one build of the platform."""

    id: int
    environment: str
    sha: str
    state: str = "queued"


class Platform(ThreadingHTTPServer):
    """Build and serve commits of a repository; answer like the deployments API of GitHub as well."""

    daemon_threads = True

    def __init__(self, repository: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.repository = repository
        self.live = dict.fromkeys(NAMES, "")
        self.deployments: list[Deployment] = []
        self.token = ""
        self.dead = False
        self._seen: dict[str, str] = {}
        self._ends = threading.Event()
        self._watchers = [
            threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True),
            threading.Thread(target=self._watch, daemon=True),
        ]
        for thread in self._watchers:
            thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def end(self) -> None:
        self._ends.set()
        self.shutdown()
        self.server_close()
        for thread in self._watchers:
            thread.join()

    def deploy(self, environment: str, sha: str) -> None:
        self.deployments.append(Deployment(len(self.deployments) + 1, environment, sha))

    def has(self, sha: str, trait: str) -> bool:
        return trait in git(self.repository, "ls-tree", "--name-only", sha).split()

    def stand(self, environment: str, sha: str) -> str:
        mine = [each for each in self.deployments if (each.environment, each.sha) == (environment, sha)]
        return mine[-1].state if mine else "unknown to us"

    def _watch(self) -> None:
        while not self._ends.wait(0.02):
            for line in git(self.repository, "for-each-ref", "refs/heads").splitlines():
                sha, name = line.split()[0], line.rpartition("/")[2]
                if name in NAMES and self._seen.get(name) != sha:
                    self._seen[name] = sha
                    self.deploy(name, sha)
            for each in self.deployments:
                self._build(each)

    def _build(self, deployment: Deployment) -> None:
        if deployment.state != "queued":
            return
        deployment.state = "building"
        time.sleep(BUILD_SECONDS)
        if self.has(deployment.sha, "unbuildable"):
            deployment.state = "error"
        else:
            self.live[deployment.environment] = deployment.sha
            deployment.state = "ready"


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        platform = self.server
        assert isinstance(platform, Platform)
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        words = parts.path.strip("/").split("/")
        if platform.dead:
            self._say(503, "out of order")
        elif words[0] == "repos":
            self._github(platform, words, asked)
        elif words[0] == "status":
            self._say(200, platform.stand(words[1], words[2]))
        elif words[0] == "live":
            self._say(200, platform.live[words[1]])
        elif words[0] == "back":
            platform.live[words[1]] = words[2]
            platform.deployments.append(Deployment(0, words[1], words[2], "ready"))
            self._say(200, "done")
        else:
            self._site(platform, words[1])

    def _site(self, platform: Platform, environment: str) -> None:
        sha = platform.live[environment]
        well = sha and not platform.has(sha, "sick")
        self._say(200 if well else 503, sha)

    def _github(self, platform: Platform, words: list[str], asked: dict[str, str]) -> None:
        if platform.token and self.headers["Authorization"] != f"Bearer {platform.token}":
            self._say(401, json.dumps({"message": "Bad credentials"}))
            return
        if words[-1] == "statuses":
            found = platform.deployments[int(words[4]) - 1].state
            names = {"queued": "queued", "building": "in_progress", "error": "failure", "ready": "success"}
            self._say(200, json.dumps([{"state": names[found]}]))
            return
        mine = [
            {"id": each.id, "sha": each.sha, "environment": each.environment}
            for each in reversed(platform.deployments)
            if each.environment == asked["environment"] and asked.get("sha", each.sha) == each.sha
        ]
        self._say(200, json.dumps(mine[: int(asked["per_page"])]))

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        pass


@dataclass
class PlatformRig(InPlaceYard):
    """Serve as yard of the target tests."""

    platform: Platform
    vault: FakeVault
    patience: float = 1.5
    kind = "platform"
    traits = ("sick", "unbuildable")

    @property
    def target(self) -> PlatformTarget:
        git_dir, home = self.places
        return PlatformTarget(self.project, git_dir, home, self.vault, PYTHON, healthy_seconds=self.patience)

    def commit(self, *traits: str, schema: int = 0) -> str:
        del schema
        return self.numbered(traits)[1]

    def answering(self, environment: str = "production") -> str:
        try:
            with HttpClient(f"{self.platform.url}", timeout_seconds=5) as client:
                answer = client.request("GET", f"/site/{environment}")
        except TheirFault:
            return ""
        return release_name(answer.text) if answer.ok else ""

    def built(self, *traits: str) -> str:
        sha = self.commit(*traits)
        return self.target.build(self.environment, sha, release_name(sha)).release

    def live(self, *traits: str, epoch: int = 1) -> str:
        release = self.built(*traits)
        self.target.switch(self.environment, {release: 100}, epoch=epoch)
        return release


@contextmanager
def platform_rig(root: Path, *, github: bool = False) -> Iterator[PlatformRig]:
    for folder in ("home", "origin", "pushed"):
        (root / folder).mkdir(mode=0o700)
    git(root / "origin", "init", "-q", "-b", "main")
    git(root / "pushed", "init", "-q", "--bare", "-b", "main")
    platform = Platform(root / "pushed")
    ask = (PYTHON, "-c", ASK)

    def spec(name: str) -> PlatformSpec:
        told = PlatformSpec(
            push=str(root / "pushed"),
            branch=name,
            poll_seconds=0.1,
            seconds_max=20.0,
            github_api=platform.url,
        )
        if github:
            return replace(told, github="owner/app")
        return replace(
            told,
            status=(*ask, f"{platform.url}/status/{name}/{{sha}}"),
            live=(*ask, f"{platform.url}/live/{name}"),
        )

    environments = tuple(
        EnvironmentSpec(
            name,
            0,
            url=f"{platform.url}/site/{name}",
            target=TargetSpec("platform", platform=spec(name)),
        )
        for name in NAMES
    )
    project = Project("tiny", probes=(ProbeSpec("health", "/"),), environments=environments)
    rig = PlatformRig(root, project, platform, FakeVault())
    try:
        yield rig
    finally:
        platform.end()
