"""What was found out about a project, and what may be asked about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

READ_BYTES_MAX = 200_000
FILES_MAX = 2_000
SKIPPED = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", "dist", "build", "vendor", "target"}
)


@dataclass(frozen=True)
class FoundCheck:
    """Describe a check that the project seems to have."""

    name: str
    kind: str
    run: tuple[str, ...]
    related: tuple[str, ...] = ()
    """Quicker command for the tests that belong to ``{changed}``; empty for none."""


@dataclass(frozen=True)
class Draft:
    """Hold everything that goes into a first configuration."""

    language: str
    setup: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    checks: tuple[FoundCheck, ...] = ()
    web: tuple[str, ...] = ()
    """Command of the web process; empty when none was recognised."""
    health: str = "/healthz"
    tests: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    coverage: bool = False
    """The tests report which lines they ran."""
    agent: str = ""
    """Name of the first coding agent that is installed."""
    scanners: tuple[str, ...] = ()
    """Scanners that are installed and concern a file of the project."""
    notes: tuple[str, ...] = ()
    """What a person should know or do, one line each."""


@dataclass(frozen=True)
class Repository:
    """Read a repository without following links out of it, bounded in files and bytes."""

    root: Path

    def has(self, *names: str) -> bool:
        """Tell whether one of these files is at the top."""
        return any((self.root / name).is_file() for name in names)

    def text(self, name: str) -> str:
        """Return the beginning of a file, empty when it is not there."""
        path = self.root / name
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as stream:
            return stream.read(READ_BYTES_MAX).decode("utf-8", "replace")

    def files(self, suffix: str) -> tuple[str, ...]:
        """Return the files with a suffix, relative, the shallow ones first."""
        found: list[str] = []
        rooms = [self.root]
        while rooms and len(found) < FILES_MAX:
            room = rooms.pop(0)
            for entry in sorted(room.iterdir()):
                if entry.is_symlink() or entry.name in SKIPPED:
                    continue
                if entry.is_dir() and not entry.name.startswith("."):
                    rooms.append(entry)
                elif entry.suffix == suffix and len(found) < FILES_MAX:
                    found.append(entry.relative_to(self.root).as_posix())
        return tuple(found)
