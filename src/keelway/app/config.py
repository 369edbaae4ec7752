"""``keelway.toml`` becomes a project and a policy; what is unknown or mistyped is an error, not a guess."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from cattrs import transform_error

from keelway.app.sections import ConfigFile, ProviderSection
from keelway.clients.gateway.known import KNOWN, Known
from keelway.clients.gateway.known import fault_of as address_fault
from keelway.core.codec import digest, from_json, to_json
from keelway.core.errors import YourFault
from keelway.core.model.project import PRODUCTION, STAGING, EnvironmentSpec, Project
from keelway.core.model.recipe import complete
from keelway.core.policy import MOVED, Policy
from keelway.core.rule.egress import read_entries
from keelway.store.depot.choose import fault_of

FILE_NAME = "keelway.toml"
STORE_ENVIRONMENT_NAME = "KEELWAY_STORE_URL"
BYTES_MAX = 256_000
PORT_MAX = 65_535
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
PRICES = (2, 3)
KINDS = frozenset({"lint", "types", "tests", "build", "audit"})


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
        file = from_json(ConfigFile, _with_own_defaults(document))
    except Exception as error:
        raise _fault(path, "; ".join(transform_error(error, path=""))) from error
    _insist(path, file)
    return Config(file, path, _project(file), file.policy)


def _with_own_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """Fill what staging leaves out with its own, stricter defaults, not with those of production."""
    policy = document.get("policy")
    given = policy.get("staging") if isinstance(policy, dict) else None
    if not isinstance(given, dict):
        return document
    own: dict[str, Any] = to_json(Policy().staging)
    return {**document, "policy": {**document["policy"], "staging": {**own, **given}}}


def store_url_of(path: Path) -> str:
    """Return the address of the store that the environment or a configuration names, empty for the home's own.

    A configuration that is broken elsewhere still says where the book is: the emergency stop needs it.
    """
    named = environment_variables().get(STORE_ENVIRONMENT_NAME, "")
    if named:
        return named
    try:
        found = tomllib.loads(path.read_bytes()[:BYTES_MAX].decode()).get("store", {}).get("url", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


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
            near = [MOVED[path]] if path in MOVED else near
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
    wrong += _recipe_problems(file)
    wrong += [problem for section in file.provider for problem in _provider_problems(section)]
    providers = [section.name for section in file.provider]
    wrong += _twice("provider", providers)
    if file.agent.provider and file.agent.provider not in providers:
        wrong.append(f"agent.provider {file.agent.provider!r} is no [[provider]] here")
    wrong += [problem for problem in (fault_of(file.store.artefacts),) if problem]
    wrong += _egress_problems(file)
    if not _PLAIN_NAME.fullmatch(file.project.name):
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
    problems += _twice("check", names)
    problems += [f"check {check.name!r} has an empty command" for check in file.check if not check.run]
    if not any(check.kind == "tests" for check in file.check):
        problems.append("there is no [[check]] of the kind tests; without tests nothing can be proven")
    return problems


def _twice(what: str, names: list[str]) -> list[str]:
    return [f"{what} {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def _provider_problems(section: ProviderSection) -> list[str]:
    known = KNOWN.get(section.name, Known("", ""))
    api, url = section.api or known.api, section.url or known.url
    if not api or not url:
        faults = [f"needs api and url; by name alone are known {', '.join(KNOWN)}"]
    else:
        faults = [found for found in (address_fault(api, url, has_key=bool(section.key)),) if found]
    faults += [
        f"has for {model!r} no list of two or three prices of 0 or more"
        for model, prices in section.prices.items()
        if len(prices) not in PRICES or not all(0 <= price < math.inf for price in prices)
    ]
    return [f"provider {section.name!r} {fault}" for fault in faults]


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


def _recipe_problems(file: ConfigFile) -> list[str]:
    names = [recipe.name for recipe in file.recipe]
    problems = [f"recipe {name!r} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    problems += [f"recipe {name!r} is not a plain name" for name in names if not _PLAIN_NAME.fullmatch(name)]
    for recipe in file.recipe:
        try:
            complete(recipe)
        except YourFault as fault:
            problems.append(fault.message.rstrip("."))
    return problems


def _egress_problems(file: ConfigFile) -> list[str]:
    try:
        read_entries(file.sandbox.egress)
    except YourFault as fault:
        return [f"sandbox.egress: {fault.message.rstrip('.')} ({fault.hint})"]
    return []


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
        recipes=file.recipe,
    )


def with_policy(config: Config, policy: Policy) -> Config:
    """Return the same configuration under another policy, for the shortened windows of the demo."""
    return replace(config, policy=policy, file=replace(config.file, policy=policy))


def environment_variables() -> dict[str, str]:
    """Return the environment of this process; the one place that reads it."""
    return dict(os.environ)
