"""All scanners at one door, on real commits: only what a patch adds counts, and nothing hides it."""

from __future__ import annotations

import base64
import os

import pytest
from tests.adapters.scanner.rig import HELD, Bench

from keelway.app.crew.far import FarScanners
from keelway.app.scan.bench import ScanBench
from keelway.app.scan.choose import make_scanners
from keelway.core.errors import YourFault
from keelway.core.policy import ScanPolicy
from keelway.core.scan.concern import TOOLS
from keelway.core.scan.report import ScanReport
from keelway.ports.scanner import ScanJob, Tool
from keelway.testing.fakes.scanner import FakeScanners
from keelway.testing.fakes.vault import FakeVault

pytestmark = pytest.mark.long

PICKLE = "import pickle\n\n\ndef load(raw):\n    return pickle.loads(raw)\n"
ALL = ("known_secrets", "detect_secrets", "bandit", "zizmor")


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_what_the_base_had_does_not_count_and_one_more_does(bench):
    bench.tools = ("bandit",)
    moved = "# a line before\n" + PICKLE
    assert bench.codes({"a.py": PICKLE}, {"a.py": moved}) == set()
    assert (
        bench.codes(
            {"a.py": PICKLE},
            {
                "a.py": "one = 1\n\n\n"
                + PICKLE.replace("    return", "    if raw:\n        return")
                + "    return None\n"
            },
        )
        == set()
    )
    twice = PICKLE + "\n\ndef again(raw):\n    return pickle.loads(raw)\n"
    assert bench.codes({"a.py": PICKLE}, {"a.py": twice}) == {"sast_worse"}


def test_a_comment_does_not_silence_bandit_and_a_file_that_is_no_python_is_not_passed(bench):
    bench.tools = ("bandit",)
    silenced = PICKLE.replace("loads(raw)\n", "loads(raw)  # nosec\n")
    assert bench.codes({}, {"a.py": silenced}) == {"sast_worse"}
    assert bench.codes({}, {"a.py": "def broken(:\n"}) == {"scanner_empty"}
    assert bench.codes({}, {"a.py": "def broken(:\n", "b.py": "one = 1\n"}) == {"scanner_partial"}


@pytest.mark.parametrize(
    "path", ["x/.tox/a.py", "build/.git_/a.py", "a.egg/a.py", "we ird/ümläut.py", "-rf.py"]
)
def test_no_name_hides_a_file_from_bandit(bench, path):
    bench.tools = ("bandit",)
    assert bench.codes({}, {path: PICKLE}) == {"sast_worse"}


@pytest.mark.parametrize("before", ["\f", "x = 1\r\n", "y = '\u2028'\n"])
def test_no_odd_line_end_moves_a_hit_off_its_line(bench, before):
    bench.tools = ("bandit",)
    base = before * 6 + "two = 2\n"
    assert bench.codes({"a.py": base}, {"a.py": base + PICKLE}) == {"sast_worse"}


def test_a_lone_carriage_return_cannot_hide_a_line(bench):
    bench.tools = ("bandit",)
    assert bench.codes({}, {"a.py": "x = 1\rimport pickle\rpickle.loads(x)\n"}) == {"scanner_empty"}


@pytest.mark.parametrize(
    "line",
    [
        f'key = "{HELD}"',
        f"# {HELD[:10]}{HELD[10:]}",
        f'key = "{base64.b64encode(HELD.encode()).decode()}"',
        f"key = '{HELD.encode().hex()}'",
        f'key = "{HELD[::-1]}"',
        f'key = "{HELD[:9]}" + "{HELD[9:]}"',
        f'key = (\n    "{HELD[:9]}"\n    "{HELD[9:]}"\n)',
        f"https://example.org/?key={HELD.replace('-', '%2D')}",
    ],
)
def test_a_value_of_ours_is_found_in_every_dress(bench, line):
    assert bench.codes({}, {"a.py": line + "\n"}) == {"secret_known"}
    assert HELD not in repr(bench.reports)


def test_short_values_and_values_that_were_there_are_left_alone(bench):
    assert bench.codes({}, {"a.py": "port = 8080\nname = 'harbour'\n"}) == set()
    assert bench.codes({"a.py": f'old = "{HELD}"\n'}, {"a.py": f'old = "{HELD}"\nnew = 1\n'}) == set()


def test_a_file_of_secrets_that_cannot_be_read_is_not_passed(tmp_path):
    class Shut(FakeVault):
        def redact(self, text):
            return "[text withheld: secrets_open]"

    scanner = make_scanners(ScanPolicy(), Shut(), tmp_path)["known_secrets"]
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "1.py").write_text("one = 1\n")
    from keelway.ports.scanner import Copies

    assert "cannot be read" in scanner.scan(Copies(str(tmp_path), {"a.py": "1.py"}, {})).error


def test_all_at_once_leave_nothing_behind(bench, tmp_path):
    bench.tools = ALL
    flow = (
        "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo\n"
    )
    found = bench.weighed({}, {"a.py": "one = 1\n", ".github/workflows/a.yml": flow})
    assert {report.tool: report.examined for report in bench.reports} == {
        "known_secrets": (".github/workflows/a.yml", "a.py"),
        "detect_secrets": (".github/workflows/a.yml", "a.py"),
        "bandit": ("a.py",),
        "zizmor": (".github/workflows/a.yml",),
    }
    assert all(report.version for report in bench.reports)
    assert found.level == "low"
    assert list((tmp_path / "scans").iterdir()) == []


def test_what_a_dead_process_left_is_swept(bench, tmp_path):
    room = tmp_path / "scans"
    (room / "scan-999999999-00000000" / "x").mkdir(parents=True)
    (room / f"scan-{os.getpid()}-00000000").mkdir()
    bench.codes({}, {"a.py": "one = 1\n"})
    assert [path.name for path in room.iterdir()] == [f"scan-{os.getpid()}-00000000"]


class Broken:
    """Raise, as no scanner should."""

    def probe(self):
        return Tool("1")

    def scan(self, copies):
        raise ValueError("odd")


def test_a_scanner_that_breaks_or_is_not_there_is_a_report(bench, tmp_path):
    bench.codes({}, {"a.py": "one = 1\n"})
    origin = next(path for path in tmp_path.iterdir() if path.name.startswith("origin"))
    from tests.conformance.git_rig import git

    now, before = git(origin, "rev-parse", "HEAD"), git(origin, "rev-parse", "HEAD^")
    made = ScanBench(str(origin / ".git"), str(tmp_path / "scans"), {"bandit": Broken()})
    job = ScanJob(before, now, ("bandit", "gitleaks", "zizmor"), ("a.py",))
    assert made.examine(job) == (
        ScanReport("bandit", error="it broke: odd"),
        ScanReport("gitleaks", error="there is no such scanner here."),
    )
    gone = ScanJob(before, "f" * 40, ("bandit",), ("a.py",))
    assert "laid out" in made.examine(gone)[0].error
    assert made.examine(ScanJob(before, now, ("zizmor",), ("a.py",))) == ()


def test_a_binary_file_is_not_passed(bench):
    bench.tools = ("detect_secrets",)
    assert bench.codes({}, {"a.bin": "\0\1"}) == {"scanner_empty"}


def test_rules_of_semgrep_lie_outside_of_the_repository(tmp_path):
    policy = ScanPolicy(tools=("semgrep",), rules=str(tmp_path / "rules"))
    with pytest.raises(YourFault, match="lies in the repository"):
        make_scanners(policy, FakeVault(), tmp_path)
    made = make_scanners(policy, FakeVault(), tmp_path / "elsewhere")
    assert made.keys() == set(TOOLS)


def test_on_another_host_the_commits_are_fetched_first():
    fetched: list[str] = []
    far = FarScanners(FakeScanners(), fetched.append)
    (report,) = far.examine(ScanJob("base", "head", ("known_secrets",), ("a.py",)))
    assert (report.tool, fetched) == ("known_secrets", ["base", "head"])
