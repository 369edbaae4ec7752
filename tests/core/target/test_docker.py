"""What can never work in the settings of containers is said before anything is built."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from keelway.core.target.docker import DockerSpec, docker_problems
from keelway.core.target.spec import DOCKER, TargetSpec, target_problems


def test_the_defaults_can_work() -> None:
    assert docker_problems(DockerSpec()) == []


def test_the_environment_is_named() -> None:
    spec = TargetSpec(DOCKER, docker=DockerSpec(port=0))
    assert target_problems(spec, "staging") == ["staging.target.docker: port 0 is no port"]
    assert TargetSpec(DOCKER).local


def test_everything_may_be_said_at_once() -> None:
    spec = DockerSpec(
        engine="unix:///run/podman/podman.sock",
        image="registry.test/app:{sha}",
        volumes={"/shared": "/srv/shared:ro"},
        secrets="files",
        memory_mb=1,
        cpus=0.5,
        processes_max=1,
    )
    assert docker_problems(spec) == []
    assert docker_problems(replace(spec, image="registry.test/app:{release}")) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"engine": "tcp://10.0.0.1:2375"}, "no unix:// socket"),
        ({"engine": "unix://relative.sock"}, "no unix:// socket"),
        ({"image": "registry.test/app:latest"}, "every release would be the same"),
        ({"port": 0}, "port 0 is no port"),
        ({"port": 65_536}, "port 65536 is no port"),
        ({"secrets": "arguments"}, "can be environment or files"),
        ({"memory_mb": -1}, "memory_mb has to be 0 or more"),
        ({"cpus": math.inf}, "cpus has to be 0 or more"),
        ({"cpus": math.nan}, "cpus has to be 0 or more"),
        ({"processes_max": -1}, "processes_max has to be 0 or more"),
        ({"log_mb": 0}, "log_mb has to be more than 0"),
        ({"smoke_seconds_max": math.nan}, "smoke_seconds_max has to be more than 0"),
        ({"data": "data"}, "'data' is no absolute path inside"),
        ({"volumes": {"shared": "/srv"}}, "'shared' is no absolute path inside"),
        ({"volumes": {"/shared": "srv"}}, "volume 'srv' is no absolute path of this machine"),
    ],
)
def test_what_cannot_work_is_said(change: dict, said: str) -> None:
    problems = docker_problems(replace(DockerSpec(), **change))
    assert len(problems) == 1
    assert said in problems[0]
