"""semgrep is no part of our tests: what version 1.185.0 said about two files is played back, and what it was asked is held."""

from __future__ import annotations

import json
import stat
import sys

import pytest

from keelway.adapters.scanner.semgrep import SemgrepScanner
from keelway.core.scan.judge import ScanCase, judge_scans
from keelway.testing.conformance.scanner import copies_of

FLAWED = "import pickle\n\n\ndef load(raw):\n    return pickle.loads(raw)  # nosemgrep\n"
SAID = {
    "version": "1.185.0",
    "results": [
        {
            "check_id": "tmp.rules.no-pickle",
            "path": "head/0001.py",
            "start": {"line": 5, "col": 12, "offset": 42},
            "end": {"line": 5, "col": 29, "offset": 59},
            "extra": {
                "message": "Pickle runs code.",
                "severity": "ERROR",
                "fingerprint": "requires login",
                "lines": "requires login",
            },
        }
    ],
    "errors": [],
    "paths": {"scanned": ["base/0001.py", "head/0001.py"]},
}
PLAY = """#!{python}
import json, os, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("1.185.0")
    raise SystemExit
pathlib.Path({seen!r}).write_text(json.dumps([sys.argv[1:], dict(os.environ)]))
print({said!r})
raise SystemExit({end})
"""


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Put a program of that name on the search path."""

    def put(said, end=0):
        program = tmp_path / "bin" / "semgrep"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            PLAY.format(python=sys.executable, seen=str(tmp_path / "seen"), said=said, end=end)
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        (tmp_path / "rules.yml").write_text("rules: []\n")
        return SemgrepScanner(str(tmp_path / "rules.yml"))

    return put


def code_of(scanner, folder, path="src/a.py"):
    report = scanner.scan(copies_of(folder / "copies", path, FLAWED, "x = 1\n"))
    (finding,) = judge_scans(("semgrep",), (report,), ScanCase((path,), {path: (5,)}))
    return finding.code, report


def test_what_it_says_is_found_where_it_is_and_it_never_asks_a_registry(play, tmp_path):
    code, report = code_of(play(json.dumps(SAID)), tmp_path)
    assert (code, report.version, report.examined) == ("sast_worse", "1.185.0", ("src/a.py",))
    (hit,) = report.hits
    assert (hit.path, hit.line, hit.rule) == ("src/a.py", 5, "no-pickle")
    argv, env = json.loads((tmp_path / "seen").read_text())
    assert argv[argv.index("--config") + 1] == str(tmp_path / "rules.yml")
    assert {"--metrics=off", "--disable-nosem", "--disable-version-check"} <= set(argv)
    assert (env["SEMGREP_SEND_METRICS"], "HTTPS_PROXY" in env) == ("off", False)


def test_a_file_that_no_rule_is_for_was_not_examined(play, tmp_path):
    silent = {**SAID, "results": [], "paths": {"scanned": []}}
    assert code_of(play(json.dumps(silent)), tmp_path)[0] == "scanner_empty"


def test_a_file_that_it_could_not_read_was_not_examined(play, tmp_path):
    broken = {**SAID, "results": [], "errors": [{"path": "head/0001.py", "message": "Syntax error"}]}
    assert code_of(play(json.dumps(broken)), tmp_path)[0] == "scanner_empty"


@pytest.mark.parametrize(("said", "end"), [("nonsense", 0), ("[]", 0), ("{}", 0), (json.dumps(SAID), 2)])
def test_what_cannot_be_read_is_not_passed(play, tmp_path, said, end):
    assert code_of(play(said, end), tmp_path)[0] == "scanner_failed"


def test_without_rules_or_without_the_program_nothing_is_passed(play, tmp_path, monkeypatch):
    play(json.dumps(SAID))
    code, report = code_of(SemgrepScanner("rules.yml"), tmp_path)
    assert (code, "policy.scan.rules" in report.error) == ("scanner_failed", True)
    monkeypatch.setenv("PATH", "/nonexistent")
    code, report = code_of(SemgrepScanner("/rules.yml"), tmp_path / "again")
    assert (code, report.absent) == ("scanner_absent", "pipx install semgrep")
