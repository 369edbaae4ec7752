"""``keelway.toml`` becomes a project and a policy; what is unknown or mistyped is an error, not a guess."""

from __future__ import annotations

import difflib
import itertools
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from cattrs import transform_error

from keelway.app.sections import ConfigFile
from keelway.app.settings.policy import policy_problems
from keelway.app.settings.problems import problems_of
from keelway.app.settings.target import with_targets
from keelway.core.codec import digest, from_json, to_json
from keelway.core.errors import YourFault
from keelway.core.model.project import PRODUCTION, STAGING, DataSpec, EnvironmentSpec, Project
from keelway.core.policy import MOVED, Policy
from keelway.core.policy.ceiling import policy_of

FILE_NAME = "keelway.toml"
STORE_ENVIRONMENT_NAME = "KEELWAY_STORE_URL"
BYTES_MAX = 256_000
PROBLEMS_MAX = 20


@dataclass(frozen=True)
class Ceiling:
    """Hold what an operator's file states."""

    path: Path | None = None
    stated: dict[str, Any] = field(default_factory=dict)
    bind_defaults: bool = False
    """Let the defaults of what the file leaves out bind as well."""


@dataclass(frozen=True)
class Config:
    """Hold a checked configuration and where it came from."""

    file: ConfigFile
    path: Path
    project: Project
    policy: Policy
    stated: dict[str, Any] = field(default_factory=dict)
    """What ``[policy]`` says, without the defaults of what it leaves out."""
    ceiling: Ceiling = field(default_factory=Ceiling)
    """What the operator allows; it binds every repository's own policy."""

    @property
    def repository(self) -> Path:
        """Return the repository that the configuration belongs to."""
        return self.path.parent

    @property
    def digest(self) -> str:
        """Return the digest of everything that is configured."""
        return digest(self.file)


def find_config(start: Path) -> Path:
    """Return the nearest ``keelway.toml`` at or above a directory.

    Raises:
        YourFault: there is none.
    """
    for directory in (start.resolve(), *start.resolve().parents):
        if (directory / FILE_NAME).is_file():
            return directory / FILE_NAME
    raise YourFault("no_config", f"There is no {FILE_NAME} in {start} or above it.", "keelway init")


def load_config(path: Path) -> Config:
    """Read and check a configuration.

    Raises:
        YourFault: it cannot be read, is no TOML, or holds unknown, missing or impossible values.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise YourFault("config_unreadable", f"{path} cannot be read: {error}.", "keelway init") from error
    document = parse_toml(path, data)
    if problems := unknown_keys(ConfigFile, document, ""):
        raise config_fault(path, "; ".join(problems))
    stated = read_policy(path, document)
    try:
        whole = with_targets(document)
        file = from_json(ConfigFile, {**whole, "policy": to_json(policy_of(stated))})
    except Exception as error:
        raise config_fault(path, "; ".join(transform_error(error, path=""))) from error
    if wrong := problems_of(file):
        raise config_fault(path, "; ".join(wrong))
    return Config(file, path, _project(file), file.policy, stated)


def parse_toml(path: object, data: bytes) -> dict[str, Any]:
    """Read TOML from outside, bounded.

    Raises:
        YourFault: it is too large, nested too deeply, or no TOML.
    """
    if len(data) > BYTES_MAX:
        raise config_fault(path, f"it has {len(data):,} bytes, more than {BYTES_MAX:,}")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise config_fault(path, f"it is not valid TOML: {error}") from error


def read_policy(path: object, document: dict[str, Any]) -> dict[str, Any]:
    """Return the checked ``[policy]`` table of a document, empty when it has none.

    Raises:
        YourFault: it holds unknown keys, or values that are mistyped or impossible.
    """
    stated = document.get("policy", {})
    if not isinstance(stated, dict):
        raise config_fault(path, "policy is no table")
    problems = unknown_keys(Policy, stated, "policy")
    if problems:
        raise config_fault(path, "; ".join(problems))
    try:
        problems = policy_problems(policy_of(stated))
    except Exception as error:
        raise config_fault(path, "; ".join(transform_error(error, path="policy"))) from error
    if problems:
        raise config_fault(path, "; ".join(problems))
    return stated


def store_url_of(path: Path) -> str:
    """Return the address of the store that the environment or a configuration names, empty for the home's own.

    A configuration that is broken elsewhere still says where the book is: the emergency stop needs it.
    """
    named = environment_variables().get(STORE_ENVIRONMENT_NAME, "")
    if named:
        return named
    try:
        found = tomllib.loads(path.read_bytes()[:BYTES_MAX].decode()).get("store", {}).get("url", "")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def config_fault(path: object, problem: str) -> YourFault:
    """Return the error that names a file and what is wrong in it."""
    return YourFault("config_invalid", f"{path}: {problem}.", "correct the file, then keelway doctor")


def unknown_keys(kind: Any, document: Any, where: str) -> list[str]:
    """Name every key that the configuration does not know, with the nearest one that it does.

    So many are told at once: to guess what each of ten thousand could mean would take minutes.
    """
    return list(itertools.islice(_unknown(kind, document, where), PROBLEMS_MAX))


def _unknown(kind: Any, document: Any, where: str) -> Iterator[str]:
    if not is_dataclass(kind) or not isinstance(document, dict):
        return
    hints = get_type_hints(kind)
    known = [entry.name for entry in fields(kind)]
    for key, value in document.items():
        path = f"{where}.{key}" if where else key
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            near = [MOVED[path]] if path in MOVED else near
            guess = f", did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
            yield f"unknown key {path}{guess}"
            continue
        inner = _inner(hints[key])
        for item in value if isinstance(value, list) else [value]:
            yield from _unknown(inner, item, path)


def _inner(hint: Any) -> Any:
    """Return the element type of ``tuple[X, ...]``, or the type itself."""
    arguments = getattr(hint, "__args__", ())
    return arguments[0] if arguments and getattr(hint, "__origin__", None) is tuple else hint


def _project(file: ConfigFile) -> Project:
    section = file.project
    environments = tuple(
        EnvironmentSpec(name, spec.port, spec.env, spec.secrets, url=spec.url, target=spec.target)
        for name, spec in ((STAGING, file.staging), (PRODUCTION, file.production))
    )
    return Project(
        name=section.name,
        branches=file.branches,
        setup=section.setup,
        setup_seconds_max=section.setup_seconds_max,
        path=section.path,
        checks=file.check,
        test_paths=section.tests,
        source_paths=section.sources,
        processes=file.process,
        probes=file.probe,
        black_boxes=file.black_box,
        migrate=file.migrate,
        sqlite=file.data.sqlite,
        data=DataSpec(file.data.postgres, file.data.mysql, file.data.files, file.data.encrypt),
        log=file.data.log,
        environments=environments,
        hooks=file.hooks,
        owner=section.owner,
        recipes=file.recipe,
        people=file.person,
        strategy=file.strategy,
    )


def with_policy(config: Config, policy: Policy) -> Config:
    """Return the same configuration under another policy, for the shortened windows of the demo."""
    return replace(config, policy=policy, file=replace(config.file, policy=policy))


def environment_variables() -> dict[str, str]:
    """Return the environment of this process; the one place that reads it."""
    return dict(os.environ)
