"""The project: its repository, its commands, its secrets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from keelway.app.config import Config
from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.app.home import Home
from keelway.clients.git.client import Git
from keelway.clients.git.mainline import Mainline
from keelway.clients.git.mirror import Mirror
from keelway.clients.secret_file import read_secrets
from keelway.clients.shell import base_env
from keelway.core.errors import KeelwayError
from keelway.core.model.project import ProcessCommand
from keelway.core.target.spec import DOCKER

_SHOWN = 5


def check_repository(config: Config) -> tuple[Check, ...]:
    """Look for the production branch and for work on it that nobody committed."""
    repository, branches = config.repository, config.project.branches
    spot = repository / ".git"
    if not spot.exists():
        cure = f"git -C {repository} init -b {branches.production}, then commit"
        return (fail("repository", f"{repository} is not the top of a git repository.", cure),)
    git = Git(str(spot))
    try:
        sha = git.rev_parse(f"refs/heads/{branches.production}") if spot.is_dir() else "a linked work tree"
        if not sha:
            cure = f"git -C {repository} branch {branches.production}, or set branches.production"
            return (fail("repository", f"There is no branch {branches.production}.", cure),)
        mirror = Mirror(
            Mainline(git, branches.protected), str(repository), branches.production, branches.integration
        )
        dirty = mirror.origin_dirty()
    except KeelwayError as error:
        return (fail("repository", error.message, error.hint or f"git -C {repository} status"),)
    found = ok("repository", f"{branches.production} is at {sha[:12]}.")
    if dirty:
        sentence = f"{branches.production} has uncommitted work: {', '.join(dirty[:_SHOWN])}."
        return (found, fail("base", sentence, f"git -C {repository} commit (or git stash)"))
    return (found, ok("base", f"Nothing uncommitted is on {branches.production}."))


def check_commands(config: Config) -> tuple[Check, ...]:
    """Look whether every configured program can be found, in the checkout or on the search path."""
    project, missing = config.project, []
    commands = [
        ("project.setup", project.setup),
        *((f"check {check.name}", check.run) for check in project.checks),
        *((f"process {process.name}", process.run) for process in _run_here(config)),
        *((f"black box {box.name}", box.run) for box in project.black_boxes),
        *((f"migrate.{name}", argv) for name, argv in _migrations_here(config)),
    ]
    named = [(where, argv[0]) for where, argv in commands if argv]
    for where, program in named:
        if not _found(config, program):
            missing.append(f"{program} ({where})")
    if not missing:
        return (ok("commands", f"All {len(named)} configured programs are there."),)
    if (
        project.setup
        and _found(config, project.setup[0])
        and not any("project.setup" in each for each in missing)
    ):
        # Most of them come with the set-up of a checkout, which has not run here.
        unknown = [each for each in missing if not _comes_with_setup(config, each)]
        if not unknown:
            sentence = f"{', '.join(missing[:_SHOWN])}: not here; the set-up of a checkout may bring them."
            return (warn("commands", sentence, f"try: cd {config.repository} && {' '.join(project.setup)}"),)
        missing = unknown
    cure = "install them, or correct the commands in keelway.toml"
    return (fail("commands", f"Not found: {', '.join(missing[:_SHOWN])}.", cure),)


def _run_here(config: Config) -> tuple[ProcessCommand, ...]:
    """Return the processes that are started on this machine, and neither somewhere else nor in images."""
    here = any(spec.target.local and spec.target.use != DOCKER for spec in config.project.environments)
    return config.project.processes if here else ()


def _migrations_here(config: Config) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the migration commands, unless every image brings its own programs for them."""
    if all(spec.target.use == DOCKER for spec in config.project.environments):
        return ()
    return tuple((name, getattr(config.project.migrate, name)) for name in ("up", "down", "status"))


def _comes_with_setup(config: Config, missing: str) -> bool:
    """Tell whether a set-up may bring a program: only when a directory for such programs is configured."""
    return bool(config.project.path) and "/" not in missing.split(" ", 1)[0]


def _found(config: Config, program: str) -> bool:
    if "/" in program:
        path = Path(program) if program.startswith("/") else config.repository / program
        return os.access(path, os.X_OK)
    inside = [str(config.repository / folder) for folder in config.project.path]
    return shutil.which(program, path=base_env("/nonexistent", inside)["PATH"]) is not None


def check_secrets(config: Config, home: Home) -> tuple[Check, ...]:
    """Look at the file of secrets: its mode, and the names that environments want from it."""
    path = home.root / "secrets.env"
    wanted = {name for spec in config.project.environments for name in spec.secrets.values()}
    wanted |= {
        config.file.notify.secret,
        config.project.data.encrypt,
        *(section.key for section in config.file.provider),
    } - {""}
    if not path.exists() and not wanted:
        return (ok("secrets", "No secrets are configured."),)
    try:
        known = read_secrets(path)
    except KeelwayError as error:
        return (fail("secrets", error.message, error.hint),)
    lost = sorted(wanted - set(known))
    if lost:
        return (fail("secrets", f"{path} does not name {', '.join(lost)}.", f"add the lines to {path}"),)
    return (ok("secrets", f"{path} is for its owner only and names what is wanted."),)
