"""Find the program of an agent on this machine, and what has to be readable for it to run."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keelway
from keelway.app.agents.profile import Install
from keelway.clients.files import read_bounded
from keelway.core.errors import TheirFault, YourFault

ENVIRONMENT_NAME = "KEELWAY_AGENTS"

_PACKAGE_BYTES_MAX = 1_000_000
_SHEBANG_BYTES_MAX = 500
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
"""What every cage shows anyway."""
_MODULES = "node_modules"


@dataclass(frozen=True)
class Place:
    """Say where a program is and what belongs to it."""

    program: str
    """Absolute path, links followed, except from an environment to its interpreter."""
    version: str
    """As its package states it; empty when no package is found around it."""
    reads: tuple[str, ...]
    """What has to be readable, apart from the system's own."""
    path: tuple[str, ...]
    """Directories of the interpreter, for ``PATH``."""


def programs_root(environ: Mapping[str, str]) -> Path:
    """Return where agents are installed that Keelway installs: one place for all projects of a user."""
    if environ.get(ENVIRONMENT_NAME):
        return Path(environ[ENVIRONMENT_NAME]).expanduser().resolve()
    data = environ.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(data) / "keelway" / "agents"


def room_of(install: Install, environ: Mapping[str, str]) -> Path:
    """Return the folder of an installed agent: one per package and version."""
    package = install.npm or install.pypi or install.command
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", package).strip("-")
    return programs_root(environ) / f"{name}-{install.version}"


def find(install: Install, environ: Mapping[str, str]) -> Place | None:
    """Return the place of a program: the one that Keelway installed, else the first on ``PATH``."""
    if install.extra:
        return _ours(install)
    room = room_of(install, environ)
    own = (room / _MODULES / ".bin", room / "bin")
    for search in (*map(str, own), environ.get("PATH", "")):
        found = shutil.which(install.command, path=search)
        if found:
            return look(Path(found), install, environ.get("PATH", ""))
    return None


def _ours(install: Install) -> Place | None:
    """Return the place of an agent of our own, when what it needs is installed beside Keelway."""
    venv = Path(sys.prefix)
    version = _pypi_version(venv, install.pypi)
    if not version:
        return None
    package = Path(keelway.__file__).resolve().parent
    parts = [venv, *(() if package.is_relative_to(venv) else (package,)), Path(sys.base_prefix).resolve()]
    # Links are not followed to the interpreter: where it is called from says which environment it is in.
    reads = tuple(dict.fromkeys(str(path) for path in parts if not _is_system(path)))
    return Place(sys.executable, version, reads, ())


def missing_extra(install: Install) -> YourFault:
    """Return what to tell when an agent of our own lacks what it needs."""
    return YourFault(
        "extra_not_installed",
        f"{install.pypi} is not installed beside Keelway.",
        f'pip install "keelway[{install.extra}]"',
    )


def look(program: Path, install: Install | None, search_path: str) -> Place:
    """Return what belongs to a program: its package, its environment, its interpreter."""
    home = program.absolute().parent.parent
    # A link from an environment to its interpreter is not followed: where it is called from says which one it is in.
    real = program.absolute() if (home / "pyvenv.cfg").is_file() else program.resolve()
    modules = [folder for folder in real.parents if folder.name == _MODULES]
    venv = next((folder for folder in real.parents if (folder / "pyvenv.cfg").is_file()), None)
    reads = [modules[-1] if modules else venv or real]
    interpreters = [*_interpreter(real, search_path), *_base_python(venv)]
    reads += [folder.parent if folder.name == "bin" else folder for folder in interpreters]
    version = ""
    if install is not None:
        version = _npm_version(real, install.npm) if modules else _pypi_version(venv, install.pypi)
    return Place(
        str(real),
        version,
        tuple(dict.fromkeys(str(path) for path in reads if not _is_system(path))),
        tuple(dict.fromkeys(str(folder) for folder in interpreters if not _is_system(folder))),
    )


def _interpreter(real: Path, search_path: str) -> list[Path]:
    """Return the folder of the interpreter that the first line of a script names."""
    with real.open("rb") as stream:
        first = stream.read(_SHEBANG_BYTES_MAX).split(b"\n", 1)[0].decode(errors="replace")
    if not first.startswith("#!"):
        return []
    words = [word for word in first[2:].split() if not word.startswith("-")]
    named = words[1] if len(words) > 1 and words[0].endswith("/env") else words[0] if words else ""
    found = shutil.which(named, path=search_path) if named else None
    return [Path(found).resolve().parent] if found else []


def _base_python(venv: Path | None) -> list[Path]:
    """Return the folder of the interpreter that a virtual environment borrows."""
    if venv is None:
        return []
    for line in (venv / "pyvenv.cfg").read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home" and value.strip():
            return [Path(value.strip()).resolve()]
    return []


def _npm_version(real: Path, package: str) -> str:
    for folder in real.parents:
        told = _package(folder / "package.json")
        if package and told.get("name") == package:
            return str(told.get("version", ""))
        if folder.name == _MODULES:
            told = _package(folder / package / "package.json") if package else {}
            if told:
                return str(told.get("version", ""))
    return ""


def _package(path: Path) -> Mapping[str, object]:
    try:
        told = json.loads(read_bounded(path, _PACKAGE_BYTES_MAX))
    except (OSError, ValueError, TheirFault):
        return {}
    return told if isinstance(told, dict) else {}


def _pypi_version(venv: Path | None, package: str) -> str:
    if venv is None or not package:
        return ""
    wanted = re.sub(r"[-_.]+", "_", package).casefold()
    for entry in sorted(venv.glob("lib/python*/site-packages/*.dist-info")):
        name, _, version = entry.name.removesuffix(".dist-info").partition("-")
        if re.sub(r"[-_.]+", "_", name).casefold() == wanted:
            return version
    return ""


def _is_system(path: Path) -> bool:
    return any(path == Path(root) or path.is_relative_to(root) for root in _SYSTEM)
