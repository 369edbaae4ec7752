"""What is known of a coding agent, read from a data file; what is unknown or mistyped there is an error."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from cattrs import transform_error

from keelway.clients.command import FORMATS, Output
from keelway.clients.gateway.values import APIS
from keelway.clients.run import BLANKS, End, blanks_in
from keelway.core.codec import from_json
from keelway.core.errors import YourFault

FORMAT = 1
BYTES_MAX = 100_000
ACP, COMMAND = "acp", "command"
KINDS = frozenset({ACP, COMMAND})
PROGRAM = "program"
"""Name of the blank that stands for the path at which the program was found."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_VERSION = re.compile(r"\d[\w.+-]{0,40}")


@dataclass(frozen=True)
class Install:
    """Say where a program comes from."""

    command: str
    """Name of the program, as it is found on ``PATH``."""
    version: str
    """The version that the profile was written for, and that is installed."""
    npm: str = ""
    """Package of the npm registry."""
    pypi: str = ""
    """Package of the Python package index."""
    with_packages: tuple[str, ...] = ()
    """What has to be installed beside it, as requirements."""
    python: str = ""
    """Versions of Python that it runs on, as a specifier; empty for any."""
    extra: str = ""
    """For agents of our own: the extra of Keelway that brings ``pypi`` along; they run in Keelway's environment."""


@dataclass(frozen=True)
class Profile:
    """Describe one coding agent: how it is installed, started, configured and understood."""

    format: int
    """Version of this form."""
    name: str
    title: str
    kind: str
    """``acp``: it speaks the Agent Client Protocol; ``command``: it takes a prompt, works and ends."""
    licence: str
    install: Install
    argv: tuple[str, ...]
    apis: tuple[str, ...] = ()
    """What it can speak to a model provider, the preferred first; empty when it brings its own way."""
    homepage: str = ""
    version_argv: tuple[str, ...] = ("${program}", "--version")
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Path below the private home to content."""
    stdin: str = ""
    """What a ``command`` reads from its input."""
    output: Output = field(default_factory=Output)
    """How the output of a ``command`` is understood."""
    quirks: tuple[str, ...] = ()
    """What is peculiar about it, in sentences for people."""


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with Keelway."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in _room().iterdir() if _is_profile(entry.name))
    )


def load_profile(name: str, outside: Path | None = None) -> Profile:
    """Return the profile of a name, or of a path to a TOML file.

    Raises:
        YourFault: there is none, it is not valid, or it lies inside ``outside``, the repository that agents
            write to.
    """
    if name.endswith(".toml"):
        path = Path(name).expanduser().resolve()
        if outside is not None and path.is_relative_to(outside.resolve()):
            raise YourFault(
                "profile_in_repository",
                f"{path} lies in the repository, where an agent could alter it.",
                "move it to a directory of yours",
            )
        try:
            return read_profile(path.read_bytes(), str(path))
        except OSError as error:
            raise YourFault(
                "no_profile", f"{path} cannot be read: {error.strerror}.", "correct the path"
            ) from error
    if name not in profile_names():
        known = ", ".join(profile_names())
        raise YourFault("unknown_agent", f"There is no agent called {name!r}.", f"use one of: {known}")
    return read_profile((_room() / f"{name}.toml").read_bytes(), f"{name}.toml")


def read_profile(data: bytes, where: str) -> Profile:
    """Return the profile that a file holds.

    Raises:
        YourFault: it is no TOML, of another format, or holds unknown, missing or impossible values.
    """
    try:
        document = tomllib.loads(data[:BYTES_MAX].decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault(where, f"it is not valid TOML: {error}") from error
    if document.get("format") != FORMAT:
        raise _fault(
            where, f"its format is {document.get('format')!r:.20}, this Keelway reads format {FORMAT}"
        )
    try:
        profile = from_json(Profile, document)
    except Exception as error:
        raise _fault(where, "; ".join(transform_error(error, path=""))) from error
    problems = _problems(profile)
    if problems:
        raise _fault(where, "; ".join(problems))
    return profile


def _problems(profile: Profile) -> list[str]:
    install = profile.install
    said = {
        f"name {profile.name!r} is not a plain lower-case name": not _NAME.fullmatch(profile.name),
        f"kind {profile.kind!r} is none of {', '.join(sorted(KINDS))}": profile.kind not in KINDS,
        f"install.version {install.version!r} is no version": not _VERSION.fullmatch(install.version),
        "install names both npm and pypi": bool(install.npm and install.pypi),
        "argv is empty": not profile.argv,
        "licence is empty": not profile.licence.strip(),
        f"apis {profile.apis} are not all of {', '.join(APIS)}": not set(profile.apis) <= set(APIS),
        f"output.format {profile.output.format!r} is none of {', '.join(sorted(FORMATS))}": profile.output.format
        not in FORMATS,
        f"output.file {profile.output.file!r} is not a plain file name": "/" in profile.output.file,
    }
    texts = (
        *profile.argv,
        *profile.version_argv,
        *profile.env.values(),
        *profile.files.values(),
        profile.stdin,
    )
    strange = sorted(set().union(*map(blanks_in, texts)) - BLANKS - {PROGRAM})
    stops = sorted({take.stop for take in profile.output.take if take.stop} - set(End))
    outside = [path for path in profile.files if path.startswith("/") or ".." in Path(path).parts]
    return [
        *(problem for problem, there in said.items() if there),
        *(f"${{{blank}}} stands for nothing" for blank in strange),
        *(f"the stop {stop!r} is none of ours" for stop in stops),
        *(f"the file {path!r} lies outside the home" for path in outside),
    ]


def _fault(where: str, problem: str) -> YourFault:
    return YourFault("profile_invalid", f"{where}: {problem}.", "see docs/reference/agent-profile.md")


def _room() -> Path:
    return Path(str(files("keelway.app.agents") / "profiles"))


def _is_profile(name: str) -> bool:
    return name.endswith(".toml") and not name.startswith(".")
