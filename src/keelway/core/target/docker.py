"""Say how a commit becomes an image and how its containers run, and find what can never work."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

ENVIRONMENT, FILES = "environment", "files"
"""How secrets reach a program: as variables, or as files that variables name."""

HOST = "host"
"""The network of this machine itself."""

_PORT_MAX = 65_535
_PLACEHOLDERS = ("{sha}", "{release}")
_BOUNDS = ("memory_mb", "cpus", "processes_max")


@dataclass(frozen=True)
class DockerSpec:
    """Describe containers of an engine of this machine, Docker or Podman."""

    engine: str = ""
    """Address of the container engine, such as ``unix:///run/podman/podman.sock``; empty looks in the
    usual places."""
    image: str = ""
    """Image that somebody else builds, with ``{sha}`` or ``{release}`` in its name; empty builds the commit."""
    dockerfile: str = "Dockerfile"
    """File of the commit that describes the image."""
    build_target: str = ""
    """Stage of the file to build; empty for the last."""
    build_args: dict[str, str] = field(default_factory=dict)
    """Arguments of the build; never a secret, because they stay in the image."""
    build_network: str = ""
    """Network of the build's commands; empty for the engine's own choice."""
    pull: bool = False
    """Whether base images are looked up anew for each build."""
    port: int = 8080
    """Port inside on which ``web`` listens, also in ``$PORT``; with the network ``host`` a free one is chosen."""
    network: str = ""
    """Network of the containers: empty for the engine's own, ``host``, or the name of one that exists."""
    hosts: dict[str, str] = field(default_factory=dict)
    """Further names inside, to an address or to ``host-gateway``."""
    data: str = "/data"
    """Where the data directory of the environment appears inside; it is what ``{data}`` means there."""
    volumes: dict[str, str] = field(default_factory=dict)
    """Further directories of this machine: path inside to path here; ``:ro`` behind it lets only read."""
    user: str = ""
    """User inside, such as ``1000:1000``; empty for that of the image."""
    secrets: str = ENVIRONMENT
    """``environment`` hands secrets over as variables, by ``/bin/sh`` of the image; ``files`` names files in
    ``$NAME_FILE``."""
    smoke: tuple[str, ...] = ()
    """Command in the new image that asks the new release, at ``{url}``, before it may take traffic; it has to say 0."""
    smoke_seconds_max: float = 60.0
    """How long that may take."""
    init: bool = True
    """Whether a small program of the engine is process 1, which hands signals on and buries children."""
    read_only: bool = False
    """Whether the image's files cannot be written; ``/tmp`` is then in memory."""
    drop: tuple[str, ...] = ()
    """Capabilities that are taken away, such as ``ALL``."""
    memory_mb: int = 0
    """Memory of one container; 0 is no bound."""
    cpus: float = 0.0
    """Processors of one container; 0 is no bound."""
    processes_max: int = 0
    """Processes and threads of one container; 0 is no bound."""
    log_mb: int = 20
    """How much of what a container prints is kept."""


def docker_problems(spec: DockerSpec) -> list[str]:
    """Return what in the settings of containers can never work."""
    wrong = []
    if spec.engine and not spec.engine.startswith("unix:///"):
        wrong.append(f"engine {spec.engine!r} is no unix:// socket: data and traffic are on this machine")
    if spec.image and not any(name in spec.image for name in _PLACEHOLDERS):
        wrong.append(
            f"image {spec.image!r} names neither {{sha}} nor {{release}}: every release would be the same"
        )
    if not 0 < spec.port <= _PORT_MAX:
        wrong.append(f"port {spec.port} is no port")
    if spec.secrets not in {ENVIRONMENT, FILES}:
        wrong.append(f"secrets {spec.secrets!r} can be {ENVIRONMENT} or {FILES}")
    wrong += [f"{name} has to be 0 or more" for name in _BOUNDS if not 0 <= getattr(spec, name) < math.inf]
    wrong += [
        f"{name} has to be more than 0"
        for name in ("log_mb", "smoke_seconds_max")
        if not getattr(spec, name) > 0
    ]
    places = [spec.data, *spec.volumes]
    wrong += [f"{inside!r} is no absolute path inside" for inside in places if not inside.startswith("/")]
    wrong += [
        f"volume {here!r} is no absolute path of this machine"
        for here in spec.volumes.values()
        if not here.startswith("/")
    ]
    return wrong
