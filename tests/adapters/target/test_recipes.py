"""The recipes of the pages do what they say, with stand-ins that print what the tools document."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.git_pull_rig import Site
from tests.adapters.target.platform_rig import PYTHON
from tests.conformance.git_rig import git

from keelway.adapters.target.platform import PlatformTarget
from keelway.core.codec import from_json
from keelway.core.errors import TheirFault
from keelway.core.model.project import EnvironmentSpec, ProbeSpec, Project
from keelway.core.release.version import release_name
from keelway.core.target.spec import TargetSpec, target_problems
from keelway.testing.fakes.vault import FakeVault

pytestmark = pytest.mark.deploys
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "deploy-with-other-tools.md"
KAMAL = """#!/bin/sh
echo "kamal $*" >>"$STATE/calls"
test -f number || exit 9
test -f unbuildable && {{ echo "ERROR (Kamal::Cli::BuildError): failed to build"; exit 1; }}
case "$1" in deploy) echo "$3" ;; rollback) echo "$2" ;; esac >"$STATE/live"
echo "  Finished all in 1.2 seconds"
"""
KUBECTL = """#!/bin/sh
echo "kubectl $*" >>"$STATE/calls"
case "$3" in
set) echo "${{6##*:}}" >"$STATE/wanted"; echo 0 >"$STATE/looks"; echo "rollout \\"app\\" image updated" ;;
status)
  looks=$(($(cat "$STATE/looks" 2>/dev/null || echo 9) + 1)); echo $looks >"$STATE/looks"
  if [ $looks -lt 3 ]; then echo "Progressing - more replicas need to be updated"
  elif [ "$(cat "$STATE/wanted")" = "$(cat "$STATE/bad" 2>/dev/null)" ]; then
    echo "Degraded - RolloutAborted: metric \\"success-rate\\" assessed Failed"; exit 1
  else cp "$STATE/wanted" "$STATE/live"; echo Healthy; fi ;;
esac
"""
CURL = '#!/bin/sh\ncat "$STATE/live" 2>/dev/null || true\n'


class Rig:
    """Hold an application, the stand-ins and a target made from a recipe."""

    def __init__(self, root: Path, site: Site, recipe: str) -> None:
        self.state, self.origin, self.site = root / "state", root / "origin", site
        section = PAGE.read_text().split(f"## {recipe}\n", 1)[1]
        document = tomllib.loads(re.findall(r"```toml\n(.*?)```", section, re.DOTALL)[0])
        spec = from_json(TargetSpec, document["production"]["target"])
        assert target_problems(spec, "production") == []
        quick = replace(
            spec.platform, poll_seconds=0.05, seconds_max=20.0, env={"STATE": str(self.state)}, secrets={}
        )
        place = EnvironmentSpec(
            "production", 0, url=f"http://127.0.0.1:{site.port}", target=replace(spec, platform=quick)
        )
        project = Project("tiny", probes=(ProbeSpec("health", "/"),), environments=(place,))
        self.target = PlatformTarget(
            project, str(self.origin / ".git"), str(root / "home"), FakeVault(), PYTHON
        )

    def release(self, *traits: str) -> str:
        for trait in ("unbuildable",):
            (self.origin / trait).unlink(missing_ok=True)
            if trait in traits:
                (self.origin / trait).write_text("x")
        number = self.origin / "number"
        number.write_text(number.read_text() + "x")
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-q", "-m", "one more")
        sha = git(self.origin, "rev-parse", "HEAD")
        return self.target.build("production", sha, release_name(sha)).release

    def calls(self) -> list[str]:
        return (self.state / "calls").read_text().splitlines()


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Rig]]:
    for folder in ("state", "origin", "home", "bin", "site"):
        (tmp_path / folder).mkdir(mode=0o700)
    for name, text in {"kamal": KAMAL, "kubectl": KUBECTL, "curl": CURL}.items():
        path = tmp_path / "bin" / name
        path.write_text(text.replace("{{", "{").replace("}}", "}"))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    git(tmp_path / "origin", "init", "-q", "-b", "main")
    (tmp_path / "origin" / "number").write_text("")
    (tmp_path / "site" / "number").write_text("1")
    site = Site(tmp_path / "site")
    yield lambda recipe: Rig(tmp_path, site, recipe)
    site.end()


def switch(rig: Rig, release: str) -> None:
    rig.target.switch("production", {release: 100}, epoch=1)


def test_kamal_deploys_goes_back_and_leaves_the_old_version_when_it_cannot_build(
    make: Callable[[str], Rig],
) -> None:
    rig = make("Kamal")
    old, new = rig.release(), rig.release()
    for release in (old, new, old):
        switch(rig, release)
        assert rig.target.state("production").active == release
    verbs = [call.split()[1] for call in rig.calls()]
    assert verbs == ["deploy", "deploy", "rollback"]
    bad = rig.release("unbuildable")
    with pytest.raises(TheirFault, match="failed to build"):
        switch(rig, bad)
    assert rig.target.state("production").active == old


def test_argo_rollouts_is_waited_for_and_an_abort_leaves_the_stable_version(
    make: Callable[[str], Rig],
) -> None:
    rig = make("Argo Rollouts")
    old, new = rig.release(), rig.release()
    for release in (old, new, old):
        switch(rig, release)
        assert rig.target.state("production").active == release
    sets = [call for call in rig.calls() if " set image app app=registry.example.org/app:" in call]
    assert len(sets) == 3
    bad = rig.release()
    (rig.state / "bad").write_text(git(rig.origin, "rev-parse", "HEAD"))
    with pytest.raises(TheirFault) as caught:
        switch(rig, bad)
    assert caught.value.code == "platform_failed"
    assert rig.target.state("production").active == old
