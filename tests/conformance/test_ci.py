"""The fake and the local CI keep the same promises."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from tests.conformance.git_rig import git

from keelway.adapters.ci.local import LocalCi
from keelway.core.errors import OurFault
from keelway.core.model.project import BlackBox, CheckCommand, Project
from keelway.ports.ci import CheckJob, CheckReport, Ci
from keelway.testing.conformance.ci import APP, Bench, CiTests
from keelway.testing.fakes.ci import FakeCi
from keelway.testing.fakes.forge import FakeForge
from keelway.testing.fakes.history import Files

PYTEST = (
    "env",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
)
LINT = ("sh", "-c", f"! grep -rqF {shlex.quote('# fails lint')} .")
PROJECT = Project(
    "tiny",
    checks=(
        CheckCommand("lint", LINT, seconds_max=30),
        CheckCommand(
            "tests",
            (*PYTEST, "--junitxml={junit}"),
            "tests",
            seconds_max=60,
            related=(*PYTEST, "--junitxml={junit}", "tests/test_green.py"),
        ),
    ),
    black_boxes=(
        BlackBox(
            "web",
            run=(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}"),
            ready="/",
            seconds_max=30,
        ),
        BlackBox("cat", use="command", run=("cat",), seconds_max=30),
    ),
)


class _FakeBench:
    def __init__(self) -> None:
        self._forge = FakeForge()
        self.ci: Ci = FakeCi(self._forge, PROJECT)

    def commit(self, files: Files) -> str:
        return self._forge.history.add((), files, "commit").sha


class _LocalBench:
    def __init__(self, root: Path) -> None:
        self._people = root / "people"
        self._people.mkdir()
        git(self._people, "init", "-q", "-b", "main")
        self.ci: Ci = LocalCi(PROJECT, str(self._people / ".git"), str(root / "ci"))

    def commit(self, files: Files) -> str:
        git(self._people, "rm", "-rfq", "--ignore-unmatch", ".")
        for name, text in files.items():
            path = self._people / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self._people, "add", "-A")
        git(self._people, "commit", "-qm", "commit", "--allow-empty")
        return git(self._people, "rev-parse", "HEAD")


class TestFakeCi(CiTests):
    @pytest.fixture
    def bench(self) -> Bench:
        return _FakeBench()

    def test_answers_as_told_by_commit_then_purpose_the_last_for_good(self) -> None:
        forge = FakeForge(APP)
        ci, sha = FakeCi(forge), forge.head("main")
        bad, good = CheckReport("", (), setup_error="no"), CheckReport("", ())
        ci.answer("replay", bad, good)
        job = CheckJob(sha, ("tests",), purpose="replay")
        assert [ci.check(job).setup_error for _ in range(3)] == ["no", "", ""]
        ci.answer(sha, bad)
        assert ci.check(job) == CheckReport(sha, (), setup_error="no")
        assert ci.jobs == [job] * 4

    def test_takes_a_rule_over_the_tree(self) -> None:
        forge = FakeForge(APP)
        ci = FakeCi(
            forge, rule=lambda job, files: CheckReport(job.sha, (), setup_error=",".join(sorted(files)))
        )
        assert ci.check(CheckJob(forge.head("main"), ())).setup_error == "app.py,tests/test_green.py"
        with pytest.raises(OurFault):
            ci.check(CheckJob("0" * 40, ()))

    def test_lines_run_unless_the_source_says_so(self) -> None:
        forge = FakeForge({**APP, "app.py": "one = 1\n\ntwo = 2  # not run\n"})
        report = FakeCi(forge).check(
            CheckJob(forge.head("main"), ("tests",), coverage_of=("app.py", "gone.py"))
        )
        assert report.executable == {"app.py": (1, 3)}
        assert report.executed == {"app.py": (1,)}


class TestLocalCi(CiTests):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return _LocalBench(tmp_path)
