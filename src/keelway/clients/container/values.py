"""The shapes that go to a container engine and come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALIVE = frozenset({"running", "restarting", "paused"})
"""States in which an engine keeps a container going."""

MIB = 1024 * 1024
_NANO = 1_000_000_000
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Mount:
    """Show something of this machine inside."""

    here: str
    inside: str
    read_only: bool = False


@dataclass(frozen=True)
class Limits:
    """Bound and fence a container; 0 and empty are no bound."""

    memory_mb: int = 0
    cpus: float = 0.0
    processes_max: int = 0
    log_mb: int = 20
    read_only: bool = False
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Describe a container that is to be."""

    name: str
    image: str
    """Identity of the image, never a name that can move."""
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    network: str = ""
    publish: tuple[int, int] | None = None
    """Loopback port here, and port inside that it leads to."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    restart: bool = False
    """Whether the engine starts it again when it ends by itself."""
    init: bool = False
    stop_seconds: float = 10.0
    limits: Limits = field(default_factory=Limits)

    def config(self) -> dict[str, Any]:
        """Return the body of the order that makes it."""
        config: dict[str, Any] = {
            "Image": self.image,
            "Entrypoint": [self.argv[0]],
            "Cmd": list(self.argv[1:]),
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Labels": dict(self.labels),
            "StopTimeout": max(1, round(self.stop_seconds)),
            "HostConfig": self._host_config(),
        }
        if self.user:
            config["User"] = self.user
        if self.publish:
            config["ExposedPorts"] = {f"{self.publish[1]}/tcp": {}}
        return config

    def _host_config(self) -> dict[str, Any]:
        limits = self.limits
        host: dict[str, Any] = {
            "Mounts": [
                {"Type": "bind", "Source": mount.here, "Target": mount.inside, "ReadOnly": mount.read_only}
                for mount in self.mounts
            ],
            "RestartPolicy": {"Name": "unless-stopped" if self.restart else "no"},
            "LogConfig": {"Type": "json-file", "Config": {"max-size": f"{limits.log_mb}m"}},
            "SecurityOpt": ["no-new-privileges"],
            "CapDrop": list(limits.drop),
            "Init": self.init,
            "ReadonlyRootfs": limits.read_only,
        }
        if limits.read_only:
            host["Tmpfs"] = {"/tmp": "mode=1777,nosuid,nodev"}  # noqa: S108 - made empty inside
        if limits.memory_mb:
            host |= {"Memory": limits.memory_mb * MIB, "MemorySwap": limits.memory_mb * MIB}
        if limits.cpus:
            host["NanoCpus"] = round(limits.cpus * _NANO)
        if limits.processes_max:
            host["PidsLimit"] = limits.processes_max
        if self.network:
            host["NetworkMode"] = self.network
        if self.hosts:
            host["ExtraHosts"] = [f"{name}:{address}" for name, address in self.hosts.items()]
        if self.publish:
            here, inside = self.publish
            host["PortBindings"] = {f"{inside}/tcp": [{"HostIp": _LOOPBACK, "HostPort": str(here)}]}
        return host


@dataclass(frozen=True)
class Contained:
    """Describe a container as the engine has it."""

    id: str
    name: str
    labels: Mapping[str, str]
    state: str
    image: str
    restarts: int = 0
    exit_code: int | None = None
    """None while it runs, and before it did."""
    health: str = ""
    """What the image's own health check says; empty when it has none."""
    why: str = ""

    @property
    def alive(self) -> bool:
        """Tell whether the engine keeps it going."""
        return self.state in ALIVE


def contained(said: Mapping[str, Any]) -> Contained:
    """Read what an engine says of one container."""
    state, config = said["State"], said["Config"]
    word = str(state.get("Status") or "").lower()
    ended = word not in ALIVE and word not in {"created", "configured", "initialized"}
    why = str(state.get("Error") or "")
    if state.get("OOMKilled"):
        why = "it was out of memory"
    health = state.get("Health") or state.get("Healthcheck") or {}
    return Contained(
        id=str(said["Id"]),
        name=str(said["Name"]).removeprefix("/"),
        labels={str(name): str(value) for name, value in (config.get("Labels") or {}).items()},
        state=word,
        image=bare(str(said["Image"])),
        restarts=int(said.get("RestartCount") or 0),
        exit_code=int(state.get("ExitCode") or 0) if ended else None,
        health=str(health.get("Status") or ""),
        why=why,
    )


def bare(image_id: str) -> str:
    """Return an identity of an image in one form; some engines name the algorithm and some do not."""
    return image_id.removeprefix("sha256:")
