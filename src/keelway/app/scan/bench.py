"""Lay the changed files of a patch out for scanners: from the commits, in a private folder, under names of ours."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.files import remove_tree
from keelway.clients.git import Git
from keelway.clients.shell import create_time
from keelway.core.errors import KeelwayError
from keelway.core.scan.concern import concerns
from keelway.core.scan.report import ScanReport
from keelway.ports.scanner import Copies, ScanJob, Scanner, Scanners

_FILE_BYTES_MAX = 4 * 1024 * 1024
_ALL_BYTES_MAX = 64 * 1024 * 1024
_AT_ONCE = 2
_LEFTOVERS_MAX = 20
_NAME = re.compile(r"scan-(?P<pid>\d{1,9})-[0-9a-f]{8}")
_ENDINGS = frozenset(
    {
        *(
            "py",
            "js",
            "jsx",
            "ts",
            "tsx",
            "mjs",
            "cjs",
            "go",
            "php",
            "rb",
            "java",
            "kt",
            "c",
            "cc",
            "cpp",
            "h",
        ),
        *(
            "cs",
            "rs",
            "scala",
            "swift",
            "sh",
            "yml",
            "yaml",
            "toml",
            "json",
            "ini",
            "cfg",
            "env",
            "txt",
            "html",
        ),
    }
)
"""Endings that tell a scanner what a file is; every other copy is called ``.txt``."""


@dataclass(frozen=True)
class ScanBench:
    """Let scanners look at the difference between two commits, two at a time."""

    repository: str
    """Our own bare repository."""
    root: str
    """Folder of the private folders."""
    scanners: Mapping[str, Scanner]

    def examine(self, job: ScanJob) -> tuple[ScanReport, ...]:
        """Return one report for each tool that a changed file concerns."""
        wanted = [
            (tool, paths)
            for tool in dict.fromkeys(job.tools)
            if (paths := [path for path in job.paths if concerns(tool, path)])
        ]
        if not wanted:
            return ()
        try:
            return self._examined(job, wanted)
        except (KeelwayError, OSError) as error:
            return tuple(
                ScanReport(tool, error=f"the files could not be laid out: {error}") for tool, _ in wanted
            )

    def _examined(self, job: ScanJob, wanted: list[tuple[str, list[str]]]) -> tuple[ScanReport, ...]:
        git = Git(self.repository)
        head, base = (
            git.texts(sha, job.paths, _FILE_BYTES_MAX, _ALL_BYTES_MAX) for sha in (job.head_sha, job.base_sha)
        )
        look: list[Callable[[], ScanReport]] = []
        with _folder(Path(self.root)) as folder:
            for tool, paths in wanted:
                copies = _lay(folder / tool, paths, head, base, job)
                look.append(lambda tool=tool, copies=copies: self._scan(tool, copies))  # type: ignore[misc]
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="keelway-scan") as pool:
                return tuple(pool.map(lambda each: each(), look))

    def _scan(self, tool: str, copies: Copies) -> ScanReport:
        scanner = self.scanners.get(tool)
        if scanner is None:
            return ScanReport(tool, error="there is no such scanner here.")
        try:
            return scanner.scan(copies)
        except (KeelwayError, OSError, ValueError) as error:
            return ScanReport(tool, error=f"it broke: {error}")


def _lay(
    folder: Path, paths: list[str], head: Mapping[str, str], base: Mapping[str, str], job: ScanJob
) -> Copies:
    names: dict[str, dict[str, str]] = {"head": {}, "base": {}}
    for side, texts in (("head", head), ("base", base)):
        (folder / side).mkdir(parents=True, mode=0o700)
        for number, path in enumerate(paths, 1):
            if path in texts:
                names[side][path] = f"{number:04}.{_ending(path)}"
                (folder / side / names[side][path]).write_text(_lines(texts[path]), "utf-8", newline="")
    lines = {path: job.lines[path] for path in paths if path in job.lines}
    return Copies(str(folder), names["head"], names["base"], lines)


def _lines(text: str) -> str:
    """Return a text in which every reader counts the lines as git does."""
    return text.replace("\r\n", "\n").replace("\r", " ")


def _ending(path: str) -> str:
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    return ending if ending in _ENDINGS else "txt"


@contextmanager
def _folder(root: Path) -> Iterator[Path]:
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    folder = root.resolve() / f"scan-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder, root)


def _sweep(root: Path) -> None:
    """Remove a bounded share of what processes that no longer live have left."""
    gone = (
        path
        for path in root.iterdir()
        if (name := _NAME.fullmatch(path.name)) and not create_time(int(name["pid"]))
    )
    for _, path in zip(range(_LEFTOVERS_MAX), gone, strict=False):
        _remove(path, root)


def _remove(folder: Path, root: Path) -> None:
    with contextlib.suppress(OSError, KeelwayError):  # the next scan of another process tries again
        remove_tree(folder, root)


_check: type[Scanners] = ScanBench
