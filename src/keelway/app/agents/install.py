"""Install an agent at its pinned version, into a folder of its own that belongs to the user."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keelway.app.agents.place import find, missing_extra, programs_root, room_of
from keelway.app.agents.profile import Install, Profile
from keelway.clients.files import remove_tree
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import TheirFault, YourFault

INSTALL_SECONDS_MAX = 1_800.0

_LINES_MAX = 5


@dataclass(frozen=True)
class Installed:
    """Say where an agent was installed."""

    name: str
    version: str
    program: str
    fresh: bool
    """Whether it was not there before."""


def install(profile: Profile, environ: Mapping[str, str], say: Callable[[str], None]) -> Installed:
    """Install an agent, unless this version of it is installed already.

    Raises:
        YourFault: the profile names no package.
        TheirFault: the package manager is missing or fails.
    """
    wanted, room = profile.install, room_of(profile.install, environ)
    place = find(wanted, {**environ, "PATH": ""})
    if place is not None:
        return Installed(profile.name, place.version, place.program, fresh=False)
    if wanted.extra:
        raise missing_extra(wanted)
    if not (wanted.npm or wanted.pypi):
        raise YourFault(
            "no_package",
            f"Keelway does not know how {profile.title} is installed.",
            f"see {profile.homepage or 'its own pages'}, and put {wanted.command} on PATH",
        )
    say(f"{wanted.npm or wanted.pypi} {wanted.version} is installed into {room} ...")
    remove_tree(room, programs_root(environ))
    room.mkdir(parents=True)
    try:
        for argv in _npm(wanted, room) if wanted.npm else _python(wanted, room):
            _carry_out(argv, room)
    except BaseException:
        remove_tree(room, programs_root(environ))
        raise
    place = find(wanted, {**environ, "PATH": ""})
    if place is None:
        raise TheirFault(
            "agent_not_installed",
            f"The package holds no program {wanted.command}.",
            "report it to its authors",
        )
    return Installed(profile.name, place.version, place.program, fresh=True)


def _npm(wanted: Install, room: Path) -> list[tuple[str, ...]]:
    packages = (f"{wanted.npm}@{wanted.version}", *wanted.with_packages)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    return [("npm", "install", "--prefix", str(room), *quiet, *packages)]


def _python(wanted: Install, room: Path) -> list[tuple[str, ...]]:
    packages = (f"{wanted.pypi}=={wanted.version}", *wanted.with_packages)
    python = str(getattr(sys, "_base_executable", "") or sys.executable)
    return [
        (python, "-m", "venv", str(room)),
        (f"{room}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages),
    ]


def _carry_out(argv: tuple[str, ...], room: Path) -> None:
    done = run(Command(argv, str(room), base_env(str(Path.home())), INSTALL_SECONDS_MAX))
    if done.passed:
        return
    said = done.could_not_start or (done.stderr or done.stdout).decode(errors="replace")
    last = " ".join(said.strip().splitlines()[-_LINES_MAX:])
    hint = (
        "install Node.js 20 or newer, which brings npm"
        if done.could_not_start
        else "try it again, or by hand"
    )
    raise TheirFault("install_failed", f"{argv[0]} could not install it: {last}.", hint)
