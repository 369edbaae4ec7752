"""What a command may do and what is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from tests.adapters.ci.conftest import Tiny

from keelway.core.model.project import CheckCommand
from keelway.ports.ci import CheckJob, CheckReport


def test_output_is_bounded_readable_and_the_same_in_every_run(tiny: Tiny) -> None:
    noisy = "printf '\\033[31mred\\033[0m \\033]0;title\\007\\r\\n'; pwd; echo $TMPDIR; cat nothing; exit 3"
    first, second = tiny.shell(noisy), tiny.shell(noisy)
    assert first.output == second.output
    assert first.output.splitlines()[1:] == ["red ", ".", "tmp"]
    assert "nothing" in first.output.splitlines()[0]
    assert (first.exit_code, first.passed, first.examined) == (3, False, 1)


def test_endless_output_ends_at_the_timeout_and_keeps_head_and_tail(tiny: Tiny) -> None:
    result = tiny.shell("echo begin; yes middle; echo never", seconds_max=1.0)
    assert result.timed_out
    assert not result.passed
    assert result.exit_code is None
    assert result.examined == 0
    assert result.output.startswith("begin\nmiddle")
    assert "characters left out" in result.output
    assert len(result.output) < 20_000


def test_much_output_keeps_the_last_word(tiny: Tiny) -> None:
    result = tiny.shell("echo begin; seq 1 300000; echo last word")
    assert result.passed
    assert result.output.startswith("begin")
    assert result.output.endswith("last word")


def test_a_command_that_is_not_there_is_not_passed(tiny: Tiny) -> None:
    missing = CheckCommand("missing", ("no-such-program",))
    report = tiny.having(missing, CheckCommand("true", ("true",))).check({})
    assert "no-such-program" in report.commands[0].could_not_start
    assert [command.passed for command in report.commands] == [False, True]
    assert report.commands[0].examined == 0


def test_nothing_that_a_command_started_survives(tiny: Tiny) -> None:
    daemon = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        for number in range(3): os.close(number)\n        time.sleep(600)\n    os._exit(0)\n"
        "time.sleep(0.1)\nprint(os.environ['KEELWAY_RUN'])\n"
    )
    check = CheckCommand("daemon", (sys.executable, "daemon.py"), seconds_max=20)
    result = tiny.having(check).check({"daemon.py": daemon}).commands[0]
    assert result.passed
    left = [p for p in psutil.process_iter() if _marker(p) == result.output.strip()]
    assert left == []


def _marker(process: psutil.Process) -> str:
    try:
        return process.environ().get("KEELWAY_RUN", "")
    except psutil.Error:
        return ""


def test_a_command_sees_a_home_of_its_own_and_no_secret(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "swordfish")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    result = tiny.having(path=("bin", "tools/bin")).shell("env; ls -A $HOME")
    env = dict(line.split("=", 1) for line in result.output.splitlines() if "=" in line)
    assert "swordfish" not in result.output
    assert not env.keys() & {"PYTHONPATH", "SECRET_TOKEN", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "UV_LINK_MODE"}
    assert env["HOME"] == "home"
    assert env["PATH"].split(":")[:2] == ["bin", "tools/bin"]
    assert env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "PYTHONSAFEPATH" not in env  # `python -m pytest` has to find the project beside it


def test_the_checkout_has_the_bytes_of_the_commit_and_no_repository(tiny: Tiny) -> None:
    files = {
        ".gitattributes": "*.txt text eol=crlf ident filter=x\n",
        "line.txt": "$Id$\nline\n",
        "odd name\n\u00e9 [x]*.txt": b"\xff\x00\r\n",
        "- dash": "1",
    }
    listing = "cat line.txt; cat odd*; find . -type f -print0 | tr -cd '\\0' | wc -c; git status"
    result = tiny.having(CheckCommand("shell", ("sh", "-c", listing))).check(files).commands[0]
    assert "$Id$\nline" in result.output
    assert "\n4" in result.output
    assert "not a git repository" in result.output


def test_programs_of_the_project_are_found_first(tiny: Tiny) -> None:
    tiny.folder.joinpath("bin").mkdir()
    program = tiny.folder / "bin" / "check-me"
    program.write_text("#!/bin/sh\necho mine\n")
    program.chmod(0o755)
    report = tiny.having(CheckCommand("mine", ("check-me",)), path=("bin",)).check({})
    assert (report.commands[0].passed, report.commands[0].output) == (True, "mine")


def test_setup_prepares_each_checkout_anew(tiny: Tiny) -> None:
    check = CheckCommand("look", ("sh", "-c", "cat made && ! test -e used && touch used"))
    ready = tiny.having(check, setup=("sh", "-c", "echo $UV_LINK_MODE $PIP_CACHE_DIR > made"))
    for _ in range(2):
        result = ready.check({}).commands[0]
        assert result.passed
        assert result.output == f"copy {tiny.root}/downloads/pip"


@pytest.mark.parametrize(
    ("setup", "seconds", "says"),
    [
        (("sh", "-c", "echo no such package; exit 4"), 20.0, "ended with 4: no such package"),
        (("sleep", "60"), 0.3, "took too long"),
        (("no-such-program",), 20.0, "no-such-program"),
    ],
)
def test_a_failing_setup_runs_no_check(tiny: Tiny, setup: tuple[str, ...], seconds: float, says: str) -> None:
    check = CheckCommand("never", ("touch", str(tiny.folder / "ran")))
    report = tiny.having(check, setup=setup, setup_seconds_max=seconds).check({})
    assert says in report.setup_error
    assert report.commands == ()
    assert not (tiny.folder / "ran").exists()


def test_a_commit_that_is_not_there_is_a_setup_error(tiny: Tiny) -> None:
    tiny.commit({"a": "1"})
    for sha in ("0" * 40, "--help", ""):
        assert tiny.ci.check(CheckJob(sha, ("tests",))).setup_error


def test_a_root_that_cannot_be_used_is_a_setup_error(tiny: Tiny) -> None:
    tiny.root.parent.joinpath("ci").write_text("a file")
    assert "ci" in tiny.ci.check(CheckJob(tiny.commit({}), ("tests",))).setup_error


def test_a_checkout_that_took_its_own_rights_away_is_removed(tiny: Tiny) -> None:
    assert tiny.shell("mkdir -p a/b && touch a/b/c && ln -s / a/top && chmod 000 a/b a").passed
    assert Path("/").exists()


def test_jobs_at_once_do_not_meet(tiny: Tiny) -> None:
    # Each waits until the other has begun, so both are known to run at the same time.
    meet = "touch $0/$$; until [ $(ls $0 | wc -l) = 2 ]; do sleep 0.02; done; test ! -e mine && touch mine"
    shared = tiny.folder.parent / "meeting"
    shared.mkdir()
    both = tiny.having(CheckCommand("meet", ("sh", "-c", meet, str(shared)), seconds_max=30))
    job, reports = CheckJob(tiny.commit({}), ("meet",)), list[CheckReport]()
    threads = [threading.Thread(target=lambda: reports.append(both.ci.check(job))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [report.commands[0].passed for report in reports] == [True, True]


def test_leftovers_of_a_dead_process_go_and_those_of_the_living_stay(tiny: Tiny) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait(10)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(gone.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    dead, alive, other = (
        tiny.root / name for name in (f"ci-{gone.pid}-0a1b2c3d", f"ci-{os.getpid()}-0a1b2c3d", "ci-notes")
    )
    for folder in (dead, alive, other):
        (folder / "tree").mkdir(parents=True)
    assert (
        tiny.having(CheckCommand("true", ("true",)))
        .ci.check(CheckJob(tiny.commit({}), ("true",)))
        .commands[0]
        .passed
    )
    assert (dead.exists(), alive.exists(), other.exists()) == (False, True, True)
