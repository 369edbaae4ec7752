"""What a container sees: its secrets and nobody else, its bounds, its network, its image and its smoke test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.docker_rig import INSIDE, DockerRig, docker_rig, real_engine
from tests.adapters.target.process_rig import environment_of
from tests.clients.cage.engine import Engine

from keelway.adapters.vault.file import FileVault
from keelway.core.errors import TheirFault
from keelway.core.release.version import release_name

pytestmark = [pytest.mark.deploys, pytest.mark.timeout(900)]

SECRET = "pa55'word $(touch /data/owned) nobody-may-see"


@pytest.fixture(scope="module")
def podman() -> Iterator[Engine]:
    with real_engine() as started:
        yield started


@pytest.fixture
def rig(tmp_path: Path, podman: Engine) -> Iterator[DockerRig]:
    with docker_rig(tmp_path, podman) as made:
        yield made


def give_secret(rig: DockerRig) -> None:
    (rig.home / "secrets.env").write_text(f"APP_TOKEN={SECRET}\nOTHER=not-for-this-application\n")
    (rig.home / "secrets.env").chmod(0o600)
    places = tuple(replace(spec, secrets={"TOKEN": "APP_TOKEN"}) for spec in rig.project.environments)
    rig.project, rig.vault = replace(rig.project, environments=places), FileVault(str(rig.home))


def leaks(rig: DockerRig) -> set[Path]:
    return {
        path
        for path in rig.home.rglob("*")
        if path.is_file() and not path.is_symlink() and b"nobody-may-see" in path.read_bytes()
    }


def test_secrets_reach_the_process_and_no_image_and_no_inspection(rig: DockerRig) -> None:
    give_secret(rig)
    release = rig.live()
    assert environment_of(rig, release)["TOKEN"] == SECRET
    assert not (rig.home / "data/production/owned").exists()
    container = rig.container(release)
    image = rig.target._site.records.insist("production", release).image
    shown = [
        rig.said("inspect", container),
        rig.said("inspect", image),
        rig.said("history", "--no-trunc", image),
        rig.said("exec", container, "env"),
        rig.said("diff", container),
    ]
    rig.said("commit", "--quiet", container, "localhost/committed:1")
    within = ("run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", "localhost/committed:1", "-c")
    shown.append(rig.said(*within, "env; ls -A /run/keelway; cat /run/keelway/* 2>&1 || true"))
    assert [text for text in shown if "nobody-may-see" in text] == []
    inside = {path for path in leaks(rig) if path != rig.home / "secrets.env"}
    assert {path.parent.parent for path in inside} == {rig.home / "inside"}
    assert (rig.home / "inside").stat().st_mode & 0o077 == 0
    assert not any("not-for-this-application" in path.read_text() for path in inside)
    rig.live()
    rig.target.retire("production", release, epoch=1)
    assert not any(release in str(path) for path in leaks(rig))


def test_secrets_may_be_files(rig: DockerRig) -> None:
    give_secret(rig)
    rig.set_docker(secrets="files")
    release = rig.live()
    seen = environment_of(rig, release)
    assert "TOKEN" not in seen
    assert rig.said("exec", rig.container(release), "cat", seen["TOKEN_FILE"]) == SECRET


def test_what_fails_does_not_print_a_secret(rig: DockerRig) -> None:
    give_secret(rig)
    bad = rig.built("crashes")
    with pytest.raises(TheirFault, match="it crashes") as caught:
        rig.target.start("production", bad, epoch=1)
    assert "nobody-may-see" not in str(caught.value)


def test_bounds_reach_the_engine(rig: DockerRig) -> None:
    rig.set_docker(
        memory_mb=128, cpus=0.5, processes_max=64, read_only=True, drop=("ALL",), user="61000:61000"
    )
    release = rig.live()
    said = json.loads(rig.said("inspect", rig.container(release)))[0]["HostConfig"]
    assert (said["Memory"], said["PidsLimit"]) == (128 * 1024 * 1024, 64)
    assert said["ReadonlyRootfs"]
    assert said["NanoCpus"] == 500_000_000
    assert "no-new-privileges" in str(said["SecurityOpt"])
    assert said["LogConfig"]["Size"] != "0B"
    owner = (rig.home / "data/production").stat()
    assert (owner.st_uid, owner.st_gid) == (61_000, 61_000)
    assert "127.0.0.1" in str(said["PortBindings"])


def test_the_network_of_the_machine_may_be_used(rig: DockerRig) -> None:
    rig.set_docker(network="host")
    old, new = rig.live(), rig.live()
    assert rig.answering() == new
    ports = {one.url for one in rig.target.state("production").releases}
    assert len(ports) == 2
    assert old != new


def test_volumes_and_names_of_hosts_are_there(rig: DockerRig, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "file").write_text("shared")
    rig.set_docker(volumes={"/shared": f"{tmp_path}/shared:ro"}, hosts={"other.test": "10.9.8.7"})
    release = rig.live()
    assert rig.said("exec", rig.container(release), "cat", "/shared/file") == "shared"
    assert "10.9.8.7" in rig.said("exec", rig.container(release), "cat", "/etc/hosts")
    assert rig.podman is not None
    assert rig.podman.podman("exec", rig.container(release), "touch", "/shared/x").returncode != 0


def test_a_release_is_smoke_tested_before_it_may_take_traffic(rig: DockerRig) -> None:
    words = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
    rig.set_docker(smoke=(INSIDE, "-c", words, "{url}/"))
    old = rig.live()
    rig.set_docker(smoke=(INSIDE, "-c", "import sys; sys.exit('the basket is empty')"))
    new = rig.built()
    with pytest.raises(TheirFault, match="the basket is empty") as caught:
        rig.target.start("production", new, epoch=1)
    assert caught.value.code == "unhealthy"
    assert rig.answering() == old
    rig.target.start("production", old, epoch=1)  # it passed once, so its way back is not held up
    rig.set_docker(smoke=(INSIDE, "-c", "import time; time.sleep(60)"), smoke_seconds_max=1.0)
    with pytest.raises(TheirFault, match="timed out"):
        rig.target.start("production", new, epoch=1)


def test_an_image_that_somebody_else_built_is_taken_by_its_digest(rig: DockerRig, tmp_path: Path) -> None:
    sha = rig.commit()
    revision = f"org.opencontainers.image.revision={sha}"
    build = ("build", "--quiet", "--label", revision, "--tag", f"localhost/theirs:{sha}", str(rig.origin))
    rig.said(*build)
    rig.set_docker(image="localhost/theirs:{sha}")
    release = release_name(sha)
    rig.target.build("production", sha, release)
    rig.target.start("production", release, epoch=1)
    rig.target.switch("production", {release: 100}, epoch=1)
    assert rig.answering() == release
    pinned = rig.target._site.records.insist("production", release).image
    rig.said("tag", "localhost/keelway-test:1", f"localhost/theirs:{sha}")  # somebody moves the name
    rig.target.build("production", sha, release)
    assert rig.target._site.records.insist("production", release).image == pinned
    other = rig.commit()
    rig.said("tag", pinned, f"localhost/theirs:{other}")
    with pytest.raises(TheirFault, match="was built from"):
        rig.target.build("production", other, release_name(other))
    missing = rig.commit()
    with pytest.raises(TheirFault) as caught:
        rig.target.build("production", missing, release_name(missing))
    assert caught.value.code in {"build_failed", "no_container", "engine_refused"}
    assert [one.release for one in rig.target.state("production").releases] == [release]
