"""The operator's file: ceilings for every repository, outside of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from keelway.app.config import (
    BYTES_MAX,
    Ceiling,
    Config,
    config_fault,
    environment_variables,
    parse_toml,
    read_policy,
)
from keelway.app.home import Home
from keelway.clients.files import read_bounded
from keelway.core.errors import YourFault
from keelway.core.policy.ceiling import Combined, combine_policies

FILE_NAME = "policy.toml"
ENVIRONMENT_NAME = "KEELWAY_POLICY"
_KNOWN = ("bind_defaults", "policy")


def operator_file(home: Home, environ: dict[str, str] | None = None) -> Path | None:
    """Return the operator's file: what ``KEELWAY_POLICY`` names, else that of the home, else that of the user.

    A named file counts whether it is there or not, so that a lost one is told instead of ignored.
    """
    environ = environment_variables() if environ is None else environ
    if named := environ.get(ENVIRONMENT_NAME, ""):
        return Path(named).expanduser()
    own = environ.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    places = (home.root / FILE_NAME, Path(own) / "keelway" / FILE_NAME)
    return next((place for place in places if place.exists() or place.is_symlink()), None)


def read_ceiling(path: Path | None, repository: Path) -> Ceiling:
    """Read and check the operator's file; without one there is no ceiling.

    Raises:
        YourFault: it cannot be read, cannot be used, or lies in the repository that it should bind.
    """
    if path is None:
        return Ceiling()
    if path.resolve().is_relative_to(repository.resolve()):
        raise YourFault(
            "policy_inside",
            f"{path} lies in the repository whose policy it bounds, so a change could alter it.",
            f"move it out, then {ENVIRONMENT_NAME}=/path/of/{FILE_NAME}",
        )
    try:
        data = read_bounded(path.resolve(), BYTES_MAX + 1)
    except OSError as error:
        raise YourFault(
            "policy_unreadable",
            f"The operator's policy {path} cannot be read: {error}.",
            f"put it there, or correct {ENVIRONMENT_NAME}",
        ) from error
    document = parse_toml(path, data)
    unknown = sorted(set(document) - set(_KNOWN))
    if unknown:
        raise config_fault(path, f"unknown key {', '.join(unknown)}; known here: {', '.join(_KNOWN)}")
    bind = document.get("bind_defaults", False)
    if not isinstance(bind, bool):
        raise config_fault(path, "bind_defaults is neither true nor false")
    return Ceiling(path, read_policy(path, document), bind)


def bounded(config: Config, ceiling: Ceiling) -> Config:
    """Return a configuration under an operator's ceilings.

    Raises:
        YourFault: the repository's own policy is looser than the operator allows.
    """
    combined = combined_under(ceiling, config.stated, str(config.path))
    file = replace(config.file, policy=combined.policy)
    return replace(config, policy=combined.policy, file=file, ceiling=ceiling)


def combined_under(ceiling: Ceiling, stated: dict[str, Any], where: str) -> Combined:
    """Lay a repository's policy under the ceilings.

    Raises:
        YourFault: it is looser than they allow; both values are named.
    """
    combined = combine_policies(ceiling.stated, stated, bind_defaults=ceiling.bind_defaults)
    if combined.loosened:
        raise YourFault(
            "policy_loosened",
            f"{where} loosens what {ceiling.path} allows: {'; '.join(map(str, combined.loosened))}.",
            "take these settings out of keelway.toml, or have the operator alter the ceiling",
        )
    return combined
