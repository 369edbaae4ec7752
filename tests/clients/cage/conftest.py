"""Cages for tests: as the user who runs them and, where that is root, as an ordinary user too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import pytest

import keelway
from keelway.clients.cage import Bounds, Cage, CageFacts, Inside, Settings, choose_cage

from .driving import Seen, drive, facts_from

SOMEBODY = 61_007
"""An ordinary user without a name, a home and a process."""
PATH = "/usr/local/bin:/usr/bin:/bin"
_SECONDS = 30.0


@dataclass
class Rig:
    """Run something in a cage, with a home and a workspace of its own."""

    cage_name: str
    folder: Path
    user: int
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.home, self.workspace = self.folder / "home", self.folder / "workspace"
        for place in (self.home, self.workspace):
            place.mkdir()
            self.own(place)
        self.own(self.folder)

    def own(self, path: Path) -> None:
        """Give a file to whoever runs the cage."""
        if os.geteuid() == 0:
            os.chown(path, self.user, self.user)

    def write(self, name: str, text: str) -> Path:
        """Put a file into the workspace."""
        path = self.workspace / name
        path.write_text(text)
        self.own(path)
        return path

    def inside(self, *argv: str, env: dict[str, str] | None = None, **more) -> Inside:
        """Describe a run."""
        places = {"cwd": str(self.workspace), "home": str(self.home), "workspace": str(self.workspace)}
        return Inside(argv, {"PATH": PATH} if env is None else env, **(places | more))

    def sh(self, script: str, **more) -> Seen:
        """Run a shell script."""
        return self.do(self.inside("/bin/sh", "-c", script, **more))

    def do(
        self, inside: Inside, seconds: float = _SECONDS, stdin: str = "", output_max: int = 1 << 60
    ) -> Seen:
        """Run something to its end or a bound."""
        raise NotImplementedError

    def facts(self) -> CageFacts:
        """Return what the cage says of itself."""
        raise NotImplementedError


@dataclass
class Here(Rig):
    """Work as the user who runs the tests."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cage: Cage = choose_cage(self.cage_name, self.settings)

    def do(
        self, inside: Inside, seconds: float = _SECONDS, stdin: str = "", output_max: int = 1 << 60
    ) -> Seen:
        return drive(self.cage, inside, seconds, stdin.encode(), output_max)

    def facts(self) -> CageFacts:
        return self.cage.facts()


@dataclass
class There(Rig):
    """Work as an ordinary user, in a process of that user."""

    python: str = ""
    library: Path = Path()

    def do(
        self, inside: Inside, seconds: float = _SECONDS, stdin: str = "", output_max: int = 1 << 60
    ) -> Seen:
        told = {"inside": asdict(inside), "seconds": seconds, "stdin": stdin, "output_max": output_max}
        return Seen(**json.loads(self._ask(told)))

    def facts(self) -> CageFacts:
        return facts_from(self._ask({}))

    def _ask(self, told: dict) -> str:
        told |= {"cage": self.cage_name, "settings": asdict(self.settings)}
        command = [
            "setpriv",
            f"--reuid={self.user}",
            f"--regid={self.user}",
            "--clear-groups",
            "--inh-caps=-all",
        ]
        done = subprocess.run(
            [*command, self.python, str(self.library / "driving.py")],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            env={"PATH": PATH, "PYTHONPATH": str(self.library), "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def foreign_library() -> Iterator[Path]:
    """Copy what a run needs to where every user can read it."""
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-lib-"))
    folder.chmod(0o755)
    ours = shutil.ignore_patterns("__pycache__")
    for package in (keelway, psutil):
        place = Path(package.__file__).parent
        shutil.copytree(place, folder / place.name, ignore=ours)
    shutil.copy(Path(__file__).with_name("driving.py"), folder)
    yield folder
    shutil.rmtree(folder)


def foreign_python() -> str:
    """Return an interpreter that every user can run, or nothing."""
    for path in ("/usr/local/bin/python3", "/usr/bin/python3"):
        test = [path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if os.access(path, os.X_OK) and subprocess.run(test, check=False).returncode == 0:
            return path
    return ""


HOSTS = ("as ourselves", *(["as an ordinary user"] if os.geteuid() == 0 else []))


@pytest.fixture(params=HOSTS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Return a rig of bubblewrap, once for each kind of host."""
    if not shutil.which("bwrap"):
        pytest.skip("no bubblewrap here; install it: apt-get install bubblewrap")
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-")).resolve()
    try:
        if request.param == "as ourselves":
            yield Here("bubblewrap", folder, os.geteuid())
            return
        python = foreign_python()
        if not python or not shutil.which("setpriv"):
            pytest.skip(
                "no python3 that every user can run, or no setpriv: apt-get install python3 util-linux"
            )
        library = request.getfixturevalue("foreign_library")
        yield There("bubblewrap", folder, SOMEBODY, python=python, library=library)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def small() -> Bounds:
    """Return bounds that are quickly reached."""
    mib = 1024 * 1024
    return Bounds(
        memory_bytes=96 * mib,
        processes_max=40,
        file_bytes_max=16 * mib,
        temporary_bytes_max=4 * mib,
        disk_bytes_max=32 * mib,
    )
