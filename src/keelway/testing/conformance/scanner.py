"""Hold every scanner to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelway.core.scan.report import ScanReport
from keelway.ports.scanner import Copies, Scanner


@dataclass(frozen=True)
class Sample:
    """Hold a file that a scanner accepts, and one that it does not."""

    scanner: Scanner
    path: str
    clean: str
    flawed: str
    line: int
    """Where the flaw is; 0 when it is one of the whole file."""
    hidden: str = ""
    """What may not be part of a report."""


def copies_of(folder: Path, path: str, head: str, base: str | None = None) -> Copies:
    """Write one file of a patch into a private folder, as the door to the scanners does."""
    ending = path.rpartition(".")[2]
    names = {"head": {path: f"0001.{ending}"}, "base": {} if base is None else {path: f"0001.{ending}"}}
    for side, text in (("head", head), ("base", base)):
        (folder / side).mkdir(parents=True)
        if text is not None:
            (folder / side / f"0001.{ending}").write_text(text)
    lines = tuple(range(1, head.count("\n") + 2))
    return Copies(str(folder), names["head"], names["base"], {path: lines})


class ScannerTests:
    """Subclass it with one fixture: ``sample``."""

    def scan(self, sample: Sample, folder: Path, head: str, base: str | None = None) -> ScanReport:
        """Let the scanner look at one file."""
        return sample.scanner.scan(copies_of(folder / "copies", sample.path, head, base))

    def test_it_is_there_and_says_its_version(self, sample: Sample) -> None:
        tool = sample.scanner.probe()
        assert (bool(tool.version), tool.install) == (True, "")

    def test_a_clean_file_is_examined_and_nothing_is_found(self, sample: Sample, tmp_path: Path) -> None:
        report = self.scan(sample, tmp_path, sample.clean)
        assert (report.error, report.absent, report.unreached) == ("", "", "")
        assert report.examined == (sample.path,)
        assert report.hits == report.base_hits == ()
        assert report.version

    def test_a_flaw_is_found_where_it_is(self, sample: Sample, tmp_path: Path) -> None:
        report = self.scan(sample, tmp_path, sample.flawed, sample.clean)
        assert report.error == ""
        assert report.examined == (sample.path,)
        assert {hit.path for hit in report.hits} == {sample.path}
        assert any(hit.line <= sample.line <= max(hit.line, hit.end_line) for hit in report.hits)

    def test_what_is_found_is_no_part_of_the_report_when_it_is_secret(
        self, sample: Sample, tmp_path: Path
    ) -> None:
        report = self.scan(sample, tmp_path, sample.flawed)
        assert report.hits
        assert not sample.hidden or sample.hidden not in repr(report)

    def test_it_looks_at_nothing_but_the_copies(self, sample: Sample, tmp_path: Path) -> None:
        room = tmp_path / "copies"
        copies = copies_of(room, sample.path, sample.clean)
        for name in ("pyproject.toml", ".bandit", ".secrets.baseline", "zizmor.yml", ".semgrepignore"):
            (tmp_path / name).write_text("nonsense = [\n")
        assert sample.scanner.scan(copies).hits == ()
