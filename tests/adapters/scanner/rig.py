"""Two real commits, the real scanners between them, and what the gate would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conformance.git_rig import git

from keelway.app.scan.bench import ScanBench
from keelway.app.scan.choose import make_scanners
from keelway.clients.git import Git
from keelway.core.migration.judge import is_migration
from keelway.core.model.diff import parse_diff
from keelway.core.policy import Policy, ScanPolicy
from keelway.core.scan.report import ScanReport
from keelway.core.scan.weigh import Question, Weighed, weigh
from keelway.ports.scanner import ScanJob
from keelway.testing.fakes.vault import FakeVault

HELD = "correct-horse-battery-staple-9"
VAULT = {"DB_PASSWORD": HELD, "SHORT": "8080", "OTHER": "another-value-of-ours"}


@dataclass
class Bench:
    """Commit files before and after, and let scanners look."""

    root: Path
    tools: tuple[str, ...] = ("known_secrets",)
    policy: ScanPolicy = field(default_factory=ScanPolicy)
    by_recipe: bool = False
    npm: str = ""
    reports: tuple[ScanReport, ...] = ()

    def weighed(self, base: Mapping[str, str], head: Mapping[str, str]) -> Weighed:
        """Return what is said about the change from one state of some files to another."""
        folder = self.root / f"origin{len(list(self.root.iterdir()))}"
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        before, now = (
            self._commit(folder, files)
            for files in ({"README.md": "x\n", **base}, {"README.md": "x\n", **head})
        )
        client = Git(str(folder / ".git"))
        diff = parse_diff(before, now, client.diff_raw(before, now), client.diff_numstat(before, now))
        paths = tuple(sorted(delta.path for delta in diff.files if delta.status != "D"))
        added, _ = client.changed_lines(before, now)
        lines = {path: tuple(number for number, _ in each) for path, each in added.items()}
        scan = replace(self.policy, tools=self.tools)
        scanners = make_scanners(scan, FakeVault(dict(VAULT)), folder, npm=self.npm)
        bench = ScanBench(client.git_dir, str(self.root / "scans"), scanners)
        self.reports = bench.examine(ScanJob(before, now, self.tools, paths, lines))
        question = Question(paths, lines, self.by_recipe, backed_up=True)
        beside = question.locks_in(tuple(head))
        return weigh(
            question,
            Policy(scan=scan),
            self.reports,
            {path: base[path] for path in beside if path in base},
            {path: head[path] for path in beside},
            {path: head[path] for path in paths if is_migration(path)},
        )

    def codes(self, base: Mapping[str, str], head: Mapping[str, str]) -> set[str]:
        """Return the codes of what is said, what passes for good left out."""
        passing = {"scan_clean", "scanner_not_concerned", "locks_kept", "migration_reversible"}
        return {finding.code for finding in self.weighed(base, head).findings} - passing

    def _commit(self, folder: Path, files: Mapping[str, str]) -> str:
        for path in git(folder, "ls-files").splitlines():
            (folder / path).unlink()
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        git(folder, "add", "-A", "-f")
        git(folder, "commit", "-q", "-m", "state")
        return git(folder, "rev-parse", "HEAD")
