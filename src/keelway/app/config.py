"""``keelway.toml`` becomes a project and a policy; what is unknown or mistyped is an error, not a guess."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from cattrs import transform_error

from keelway.core.codec import digest, from_json
from keelway.core.errors import YourFault
from keelway.core.model.project import (
    PRODUCTION,
    STAGING,
    Branches,
    CheckCommand,
    EnvironmentSpec,
    MigrationCommands,
    ProbeSpec,
    ProcessCommand,
    Project,
)
from keelway.core.policy import Policy

FILE_NAME = "keelway.toml"
BYTES_MAX = 256_000
PORT_MAX = 65_535
KINDS = frozenset({"lint", "types", "tests", "build", "audit"})


@dataclass(frozen=True)
class ProjectSection:
    """Describe the application in general."""

    name: str
    owner: str = "owner"
    """Who may ask and approve."""
    setup: tuple[str, ...] = ()
    """Command that makes a fresh checkout runnable."""
    setup_seconds_max: float = 600.0
    """How long the set-up may take."""
    path: tuple[str, ...] = ()
    """Directories of the checkout that go before ``PATH``."""
    tests: tuple[str, ...] = Project("x").test_paths
    """Patterns of test files."""
    sources: tuple[str, ...] = Project("x").source_paths
    """Patterns of files that tests must cover."""


@dataclass(frozen=True)
class DataSection:
    """Name the data of the application."""

    sqlite: str = ""
    """Database file, ``{data}`` being the data directory of the environment."""
    log: str = ""
    """JSON-lines log file, ``{data}`` being the data directory of the environment."""


@dataclass(frozen=True)
class AgentSection:
    """Choose the coding agent."""

    use: str = "replay"
    """Name of the adapter: ``replay`` or ``acp``."""
    argv: tuple[str, ...] = ()
    """Command that starts an agent which speaks the Agent Client Protocol."""
    script: str = ""
    """Recorded script of the replay agent, relative to ``keelway.toml``."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the agent; it gets nothing else."""


@dataclass(frozen=True)
class EnvironmentSection:
    """Describe one environment."""

    port: int
    """Loopback port that users call."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the processes; ``{data}``, ``{release}``, ``{environment}`` and ``{log}`` are filled in."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Name in the process to name in the secrets file."""


@dataclass(frozen=True)
class NotifySection:
    """Say who is told besides the log."""

    webhook: str = ""
    """Address that gets signed messages."""
    secret: str = ""
    """Name of the signing secret."""


@dataclass(frozen=True)
class DetectSection:
    """Let errors in production become fix tasks."""

    enabled: bool = False
    """Whether errors of the production log open tasks."""
    interval_seconds: float = 10.0
    """How often the log is read."""
    occurrences_min: int = 3
    """How often an error must occur before it opens a task."""


@dataclass(frozen=True)
class ServerSection:
    """Say where the control plane listens."""

    port: int = 0
    """Loopback port of the API and the status page; 0 takes a free one."""


@dataclass(frozen=True)
class ConfigFile:
    """Mirror ``keelway.toml``."""

    project: ProjectSection
    staging: EnvironmentSection
    production: EnvironmentSection
    branches: Branches = field(default_factory=Branches)
    check: tuple[CheckCommand, ...] = ()
    process: tuple[ProcessCommand, ...] = ()
    probe: tuple[ProbeSpec, ...] = (ProbeSpec("healthz"),)
    migrate: MigrationCommands = field(default_factory=MigrationCommands)
    data: DataSection = field(default_factory=DataSection)
    agent: AgentSection = field(default_factory=AgentSection)
    notify: NotifySection = field(default_factory=NotifySection)
    detect: DetectSection = field(default_factory=DetectSection)
    server: ServerSection = field(default_factory=ServerSection)
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True)
class Config:
    """Hold a checked configuration and where it came from."""

    file: ConfigFile
    path: Path
    project: Project
    policy: Policy

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
        document = tomllib.loads(data[:BYTES_MAX].decode())
    except OSError as error:
        raise YourFault("config_unreadable", f"{path} cannot be read: {error}.", "keelway init") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault(path, f"it is not valid TOML: {error}") from error
    problems = list(_unknown_keys(ConfigFile, document, ""))
    if problems:
        raise _fault(path, "; ".join(problems))
    try:
        file = from_json(ConfigFile, document)
    except Exception as error:
        raise _fault(path, "; ".join(transform_error(error, path=""))) from error
    _insist(path, file)
    return Config(file, path, _project(file), file.policy)


def _fault(path: Path, problem: str) -> YourFault:
    return YourFault("config_invalid", f"{path}: {problem}.", "correct the file, then keelway doctor")


def _unknown_keys(kind: Any, document: Any, where: str) -> list[str]:
    """Name every key that the configuration does not know, with the nearest one that it does."""
    if not is_dataclass(kind) or not isinstance(document, dict):
        return []
    hints, problems = get_type_hints(kind), []
    known = [entry.name for entry in fields(kind)]
    for key, value in document.items():
        path = f"{where}.{key}" if where else key
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            guess = f", did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
            problems.append(f"unknown key {path}{guess}")
            continue
        inner = _inner(hints[key])
        for item in value if isinstance(value, list) else [value]:
            problems += _unknown_keys(inner, item, path)
    return problems


def _inner(hint: Any) -> Any:
    """Return the element type of ``tuple[X, ...]``, or the type itself."""
    arguments = getattr(hint, "__args__", ())
    return arguments[0] if arguments and getattr(hint, "__origin__", None) is tuple else hint


def _insist(path: Path, file: ConfigFile) -> None:
    """Refuse what would only fail later, in front of a person or in production."""
    wrong = [*_check_problems(file), *_process_problems(file), *_environment_problems(file)]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", file.project.name):
        wrong.append(f"project.name {file.project.name!r} is not a plain name")
    if wrong:
        raise _fault(path, "; ".join(wrong))


def _check_problems(file: ConfigFile) -> list[str]:
    names = [check.name for check in file.check]
    problems = [
        f"check {check.name!r} has the unknown kind {check.kind!r}"
        for check in file.check
        if check.kind not in KINDS
    ]
    problems += [f"check {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    problems += [f"check {check.name!r} has an empty command" for check in file.check if not check.run]
    if not any(check.kind == "tests" for check in file.check):
        problems.append("there is no [[check]] of the kind tests; without tests nothing can be proven")
    return problems


def _process_problems(file: ConfigFile) -> list[str]:
    problems = [
        f"process {process.name!r} has an empty command" for process in file.process if not process.run
    ]
    if not any(process.name == "web" for process in file.process):
        problems.append('there is no [[process]] named "web"; it receives the traffic')
    if not file.probe:
        problems.append("there is no [[probe]]; health must be asked for")
    return problems


def _environment_problems(file: ConfigFile) -> list[str]:
    ports = (file.staging.port, file.production.port)
    problems = [f"{port} is no port" for port in ports if not 0 < port <= PORT_MAX]
    if ports[0] == ports[1]:
        problems.append(f"staging and production share the port {ports[0]}")
    return problems


def _project(file: ConfigFile) -> Project:
    section = file.project
    environments = tuple(
        EnvironmentSpec(name, spec.port, spec.env, spec.secrets)
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
        migrate=file.migrate,
        sqlite=file.data.sqlite,
        log=file.data.log,
        environments=environments,
        owner=section.owner,
    )


def with_policy(config: Config, policy: Policy) -> Config:
    """Return the same configuration under another policy, for the shortened windows of the demo."""
    return replace(config, policy=policy, file=replace(config.file, policy=policy))


def environment_variables() -> dict[str, str]:
    """Return the environment of this process; the one place that reads it."""
    return dict(os.environ)
