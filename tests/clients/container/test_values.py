"""Orders to a container engine are exact, and what it says is read whichever engine says it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from keelway.clients.container.engine import Engine
from keelway.clients.container.images import pack, parted
from keelway.clients.container.values import Limits, Mount, Wanted, bare, contained
from keelway.core.errors import TheirFault, YourFault

DOCKER = {
    "Id": "abc",
    "Name": "/keelway-x-web",
    "Image": "sha256:0123",
    "RestartCount": 2,
    "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "unhealthy"}},
    "Config": {"Labels": {"keelway.release": "r-1"}},
}


def test_a_container_is_described_exactly() -> None:
    wanted = Wanted(
        name="x",
        image="0123",
        argv=("web", "--port", "80"),
        env={"A": "b=c"},
        labels={"keelway.home": "h"},
        mounts=(Mount("/srv/data", "/data"), Mount("/srv/x", "/x", read_only=True)),
        network="shop",
        publish=(20_001, 8080),
        hosts={"db": "host-gateway"},
        user="1000",
        restart=True,
        stop_seconds=2.4,
        limits=Limits(64, 0.5, 10, 5, read_only=True, drop=("ALL",)),
    )
    config = wanted.config()
    host = config["HostConfig"]
    assert (config["Entrypoint"], config["Cmd"]) == (["web"], ["--port", "80"])
    assert (config["Env"], config["User"], config["StopTimeout"]) == (["A=b=c"], "1000", 2)
    assert host["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}
    assert [mount["ReadOnly"] for mount in host["Mounts"]] == [False, True]
    assert (host["Memory"], host["MemorySwap"]) == (64 * 1024 * 1024, 64 * 1024 * 1024)
    assert (host["NanoCpus"], host["PidsLimit"], host["NetworkMode"]) == (500_000_000, 10, "shop")
    assert host["ExtraHosts"] == ["db:host-gateway"]
    assert host["RestartPolicy"] == {"Name": "unless-stopped"}
    assert host["LogConfig"]["Config"] == {"max-size": "5m"}
    assert "/tmp" in host["Tmpfs"]


def test_what_is_not_bounded_is_left_to_the_engine() -> None:
    host = Wanted("x", "0123", ("true",)).config()["HostConfig"]
    assert not {"Memory", "NanoCpus", "PidsLimit", "Tmpfs", "NetworkMode", "PortBindings"} & set(host)
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["SecurityOpt"] == ["no-new-privileges"]


def test_what_an_engine_says_is_read() -> None:
    found = contained(DOCKER)
    assert (found.name, found.image, found.restarts, found.alive) == ("keelway-x-web", "0123", 2, True)
    assert (found.health, found.exit_code, found.labels) == ("unhealthy", None, {"keelway.release": "r-1"})


@pytest.mark.parametrize(
    ("state", "alive", "exit_code", "why"),
    [
        ({"Status": "exited", "ExitCode": 3}, False, 3, ""),
        ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, False, 137, "it was out of memory"),
        ({"Status": "created", "ExitCode": 0}, False, None, ""),
        ({"Status": "restarting", "ExitCode": 1, "Error": "no such file"}, True, None, "no such file"),
        ({}, False, 0, ""),
    ],
)
def test_states_of_containers(state: dict, alive: bool, exit_code: int | None, why: str) -> None:
    found = contained({**DOCKER, "State": state, "Config": {}})
    assert (found.alive, found.exit_code, found.why) == (alive, exit_code, why)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("app:1", ("app", "1")),
        ("app", ("app", "latest")),
        ("registry.test:5000/app", ("registry.test:5000/app", "latest")),
        ("registry.test:5000/app:1", ("registry.test:5000/app", "1")),
        ("app@sha256:0123", ("app@sha256:0123", "")),
    ],
)
def test_names_of_images_are_taken_apart(name: str, parts: tuple) -> None:
    assert parted(name) == parts
    assert bare("sha256:0123") == bare("0123") == "0123"


def test_the_same_files_are_packed_to_the_same_bytes(tmp_path: Path) -> None:
    packed = []
    for place in ("one", "two"):
        folder = tmp_path / place
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "file").write_text("text")
        (folder / "link").symlink_to("/etc/passwd")
        into = io.BytesIO()
        pack(folder, into)
        packed.append(into.getvalue())
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(packed[0])) as archive:
        assert [(entry.name, entry.issym()) for entry in archive] == [
            ("inner", False),
            ("inner/file", False),
            ("link", True),
        ]


def test_an_engine_that_is_not_here_is_said() -> None:
    with pytest.raises(YourFault) as caught:
        Engine("tcp://10.0.0.1:2375").about()
    assert caught.value.code == "engine_far"
    with pytest.raises(TheirFault) as missing:
        Engine("unix:///nowhere/engine.sock").find("x")
    assert missing.value.code == "engine_unreachable"
    none = Engine()
    none.address = ""
    with pytest.raises(YourFault) as nothing:
        none.find("x")
    assert nothing.value.code == "no_engine"
