"""The container engines that releases need: do they answer, and can they hold what is asked of them?"""

from __future__ import annotations

from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.clients.container.engine import Engine
from keelway.clients.git.client import Git
from keelway.core.errors import KeelwayError
from keelway.core.model.project import EnvironmentSpec
from keelway.core.target.spec import DOCKER


def check_engines(config: Config) -> tuple[Check, ...]:
    """Ask the engine of every environment that runs containers, and look for what it builds from."""
    places = [spec for spec in config.project.environments if spec.target.use == DOCKER]
    return tuple(_check(config, spec) for spec in places)


def _check(config: Config, spec: EnvironmentSpec) -> Check:
    name, wanted = f"containers of {spec.name}", spec.target.docker
    engine = Engine(wanted.engine)
    try:
        version, info = engine.about()
    except KeelwayError as error:
        return fail(name, error.message, error.hint)
    if not wanted.image and not _has(config, wanted.dockerfile):
        branch = config.project.branches.production
        return fail(
            name,
            f"{branch} has no {wanted.dockerfile}, from which the image would be built.",
            f"commit one, or set image or dockerfile under [{spec.name}.target.docker]",
        )
    found = f"The engine at {engine.address} answers (version {version})."
    if wanted.memory_mb and not info.get("MemoryLimit"):
        return warn(
            name, f"{found} It cannot bound memory.", "let the engine use cgroups, or set memory_mb = 0"
        )
    return ok(name, found)


def _has(config: Config, path: str) -> bool:
    git, branch = Git(str(config.repository / ".git")), config.project.branches.production
    try:
        sha = git.rev_parse(f"refs/heads/{branch}")
        return bool(sha) and git.entry(sha, path) is not None
    except KeelwayError:
        return False
