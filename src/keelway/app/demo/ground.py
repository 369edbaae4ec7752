"""Lay the ground of a demo: a folder of its own, Harbor as a repository of its own, shortened windows."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tomlkit
from filelock import FileLock, Timeout

import keelway
from keelway.app.config import FILE_NAME, environment_variables, load_config
from keelway.app.desk import Place
from keelway.app.home import ENVIRONMENT_NAME, Home
from keelway.clients.control import free_port
from keelway.clients.files import remove_tree
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import TheirFault, YourFault

FOLDER, EXAMPLE = ".keelway-demo", Path("examples") / "harbor"
STORY = Path("plays") / "story.json"
GIT_SECONDS_MAX, DOWN_SECONDS_MAX = 60.0, 90.0
LEFT_OUT = shutil.ignore_patterns(
    *(".venv", "__pycache__", ".*_cache", ".coverage*", "plays"),
    *("*.db", "*.db-*", "*.log", "*.jsonl", "*.xml"),
)

SHORTENED: dict[str, float | str] = {
    "policy.staging.window_seconds": 1.0,
    "policy.staging.tick_seconds": 0.5,
    "policy.staging.stabilise_seconds": 0.5,
    "policy.staging.history_seconds": 20.0,
    "policy.production.window_seconds": 3.5,
    "policy.production.tick_seconds": 0.5,
    "policy.production.stabilise_seconds": 0.5,
    "policy.production.history_seconds": 20.0,
    "policy.production.on_inconclusive": "pass",
    "policy.watch.interval_seconds": 15.0,
    "detect.interval_seconds": 1.0,
}
"""What the demo sets otherwise than Harbor's own configuration; all of it is said on screen."""


@dataclass(frozen=True)
class DemoPlace(Place):
    """Name the demo's project, whose state lies in the demo's folder."""

    root: Path = Path()

    @cached_property
    def home(self) -> Home:
        """Return where its state lies."""
        return Home(self.root)


@dataclass(frozen=True)
class Ground:
    """Name everything that the demo puts on disk."""

    checkout: Path

    @property
    def folder(self) -> Path:
        """Return the demo's folder."""
        return self.checkout / FOLDER

    @property
    def repository(self) -> Path:
        """Return the copy of Harbor that tasks are about."""
        return self.folder / "harbor"

    @property
    def home(self) -> Path:
        """Return the state of the control plane."""
        return self.folder / "home"

    @property
    def requests(self) -> Path:
        """Return the load generator's record: one line for each request."""
        return self.folder / "requests.jsonl"

    @property
    def load(self) -> Path:
        """Return the file that names the load generator's process."""
        return self.folder / "load.json"

    @cached_property
    def place(self) -> DemoPlace:
        """Return the project as the commands see it."""
        return DemoPlace(self.repository / FILE_NAME, self.home)

    def env(self) -> dict[str, str]:
        """Return the environment of the demo's commands: that of this process, and the demo's own home."""
        own = environment_variables()
        bin_folder = str(Path(sys.executable).parent)
        cache = own.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
        defaults = {
            "UV_CACHE_DIR": f"{cache}/uv",
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        }
        path = f"{bin_folder}:{own.get('PATH', '/usr/bin:/bin')}"
        return {**defaults, **own, "PATH": path, ENVIRONMENT_NAME: str(self.home)}

    def keelway(self, *words: str) -> tuple[str, ...]:
        """Return a command of the terminal, about the demo's project."""
        return (sys.executable, "-P", "-m", "keelway.cli.main", "-C", str(self.repository), *words)


def find_ground() -> Ground:
    """Return the ground of the checkout that we are in, or that this program comes from.

    Raises:
        YourFault: there is no checkout with the sample application.
    """
    here, package = Path.cwd(), Path(keelway.__file__).resolve()
    for folder in (here, *here.parents, *package.parents):
        if (folder / EXAMPLE / FILE_NAME).is_file():
            return Ground(folder)
    raise YourFault(
        "no_example",
        "The demo needs the sample application of a checkout, and there is none here.",
        "git clone the project, then make demo",
    )


def claim(ground: Ground) -> FileLock:
    """Take the demo's folder for this run.

    Raises:
        YourFault: a demo runs there already, a program is missing, or the folder cannot be made.
    """
    for program in ("git", "uv"):
        if shutil.which(program, path=ground.env()["PATH"]) is None:
            raise YourFault(
                f"{program}_missing", f"The demo needs {program}, which is not there.", f"install {program}"
            )
    try:
        ground.folder.mkdir(exist_ok=True)
        lock = FileLock(ground.folder / "demo.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise YourFault(
            "demo_running", f"A demo runs already in {ground.folder}.", "end it there with Ctrl-C"
        ) from None
    except OSError as error:
        raise YourFault(
            "demo_unusable", f"{ground.folder} cannot be used: {error}.", "free space or correct its rights"
        ) from error
    return lock


def lay(ground: Ground) -> dict[str, tuple[Any, Any]]:
    """Copy Harbor into a repository of its own, with shortened windows; return what was shortened, and how.

    Raises:
        TheirFault: git refused.
    """
    example = ground.checkout / EXAMPLE
    shutil.copytree(example, ground.repository, ignore=LEFT_OUT)
    shutil.copyfile(example / STORY, ground.folder / "story.json")
    path = ground.repository / FILE_NAME
    document = tomlkit.parse(path.read_text())
    before = {name: _value(load_config(example / FILE_NAME).file, name) for name in SHORTENED}
    ports = [free_port(frozenset())]
    ports.append(free_port(frozenset(ports)))
    settings: dict[str, Any] = {**SHORTENED, "agent.script": str(ground.folder / "story.json")}
    settings |= {"production.port": ports[0], "staging.port": ports[1]}
    for name, value in settings.items():
        _put(document, name, value)
    path.write_text(tomlkit.dumps(document))
    _git(ground, "init", "-q", "-b", "main")
    _git(ground, "add", "-A")
    _git(ground, "commit", "-q", "-m", "Harbor, as it is in the examples")
    return {name: (before[name], value) for name, value in SHORTENED.items()}


def clear(ground: Ground) -> None:
    """End what an earlier demo left running, and remove what it left on disk but its lock."""
    if (ground.home / "keelway.sqlite").exists() and ground.place.path.exists():
        run(Command(ground.keelway("down", "--yes"), str(ground.repository), ground.env(), DOWN_SECONDS_MAX))
    for path in list(ground.folder.iterdir()):
        if path.name != "demo.lock":
            remove_tree(path, ground.folder)


def remember(ground: Ground, **facts: Any) -> None:
    """Write down the load generator's process, so that a later demo can end it."""
    ground.load.write_text(json.dumps(facts))


def _put(document: Any, name: str, value: Any) -> None:
    *tables, key = name.split(".")
    for table in tables:
        if table not in document:
            document[table] = tomlkit.table()
        document = document[table]
    document[key] = value


def _value(file: Any, name: str) -> Any:
    for part in name.split("."):
        file = getattr(file, part)
    return file


def _git(ground: Ground, *words: str) -> None:
    who = ("-c", "user.name=Harbour master", "-c", "user.email=owner@localhost", "-c", "commit.gpgsign=false")
    env = base_env(str(ground.folder))
    done = run(Command(("git", *who, *words), str(ground.repository), env, GIT_SECONDS_MAX))
    if not done.passed:
        said = done.stderr.decode("utf-8", "replace").strip() or done.could_not_start
        raise TheirFault("git_failed", f"git {words[0]} failed: {said}", "git --version")
