"""An operator who unpacks artefacts into a folder that is served, and a target that hands them over."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.adapters.target.git_pull_rig import Site
from tests.adapters.target.in_place_yard import InPlaceYard
from tests.conformance.git_rig import git

from keelway.adapters.target.manual import ManualTarget
from keelway.clients.http import HttpClient
from keelway.core.errors import TheirFault
from keelway.core.model.project import EnvironmentSpec, ProbeSpec, Project
from keelway.core.release.version import release_name
from keelway.core.target.spec import ManualSpec, TargetSpec
from keelway.testing.fakes.vault import FakeVault

PYTHON = sys.executable
BUILD = "import pathlib, sys; pathlib.Path('fails').exists() and sys.exit('does not compile'); p = pathlib.Path('dist'); p.mkdir(); (p / 'app.txt').write_text(open('number').read())"


@dataclass
class ManualRig(InPlaceYard):
    """Serve as yard of the target tests; the operator does at once what is asked."""

    sites: dict[str, Site]
    releases: dict[str, str] = field(default_factory=dict)
    kind = "manual"
    traits = ("sick", "fails")

    @property
    def target(self) -> ManualTarget:
        git_dir, home = self.places
        return ManualTarget(self.project, git_dir, home, FakeVault(), PYTHON)

    def commit(self, *traits: str, schema: int = 0) -> str:
        del schema
        number, sha = self.numbered(traits)
        self.releases[number] = release_name(sha)
        return sha

    def built(self, *traits: str) -> str:
        sha = self.commit(*traits)
        return self.target.build(self.environment, sha, release_name(sha)).release

    def unpack(self, release: str) -> None:
        """Do what an operator does with the archive of a release."""
        site = self.sites[self.environment].folder
        for path in site.iterdir():
            path.unlink()
        archive = self.target.folder(self.environment, release) / f"{release}.tar.gz"
        with tarfile.open(archive) as files:
            for member in files.getmembers():
                name = member.name.partition("/")[2]
                data = files.extractfile(member)
                if name and data:
                    (site / name).write_bytes(data.read())

    def answering(self, environment: str = "production") -> str:
        try:
            with HttpClient(f"http://127.0.0.1:{self.sites[environment].port}", timeout_seconds=5) as client:
                answer = client.request("GET", "/")
        except TheirFault:
            return ""
        return self.releases.get(answer.text, "") if answer.ok else ""


@contextmanager
def manual_rig(root: Path) -> Iterator[ManualRig]:
    names = ("staging", "production")
    for folder in ("home", "origin", *names):
        (root / folder).mkdir(mode=0o700)
    git(root / "origin", "init", "-q", "-b", "main")
    sites = {name: Site(root / name) for name in names}
    project = Project(
        "tiny",
        probes=(ProbeSpec("health", "/"),),
        environments=tuple(
            EnvironmentSpec(name, site.port, target=TargetSpec("manual", manual=ManualSpec()))
            for name, site in sites.items()
        ),
    )
    try:
        yield ManualRig(root, project, sites)
    finally:
        for site in sites.values():
            site.end()
