"""Programs of others are found, bounded, and kept from the network's addresses when they need none."""

from __future__ import annotations

import pytest

from keelway.clients.tool.program import answer_of, fault_of, find_program, run_program, version_of

SHOW = "import json, os, sys; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def python(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example.org/simple")
    monkeypatch.setenv("A_SECRET", "hidden")
    return find_program("python")


def test_a_program_beside_our_python_comes_first(tmp_path, monkeypatch):
    other = tmp_path / "bandit"
    other.write_text("#!/bin/sh\necho 9.9\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("bandit") != str(other)
    assert version_of("bandit", "bandit").startswith("1.")
    assert (find_program("no-such-program"), version_of("no-such-program")) == ("", "")


def test_the_version_of_another_program_is_asked_once(tmp_path, monkeypatch):
    program = tmp_path / "looker"
    program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/asked\necho looker version 2.4.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert [version_of("looker"), version_of("looker", "no-such-package")] == ["2.4.1", "2.4.1"]
    assert (tmp_path / "asked").read_text() == "x\n"
    program.write_text("#!/bin/sh\nexit 1\n")
    assert version_of("looker") == "unknown"


def test_offline_it_knows_no_index_and_never_our_secrets(python, tmp_path):
    plain = answer_of(run_program("python", "-c", SHOW, folder=str(tmp_path), seconds_max=20, MORE="1"))
    assert "PIP_INDEX_URL" not in plain
    assert "A_SECRET" not in plain
    assert (plain["MORE"], plain["HOME"]) == ("1", str(tmp_path / "home"))
    online = answer_of(run_program("python", "-c", SHOW, folder=str(tmp_path), seconds_max=20, online=True))
    assert online["PIP_INDEX_URL"] == "https://index.example.org/simple"
    assert "A_SECRET" not in online


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("pass", ""),
        ("raise SystemExit(7)", "it ended with 7: it said nothing."),
        ("import sys; sys.exit('broken')", "it ended with 1: broken"),
        ("print('x' * 17_000_000)", "it said more than is read."),
        ("import time; time.sleep(60)", "it was stopped after"),
    ],
)
def test_why_a_run_proves_nothing(tmp_path, code, why):
    done = run_program("python", "-c", code, folder=str(tmp_path), seconds_max=2 if "sleep" in code else 60)
    said = fault_of(done, frozenset({0}))
    assert said.startswith(why)
    assert bool(said) == bool(why)


def test_a_program_that_is_not_there_could_not_start(tmp_path):
    done = run_program("no-such-program", folder=str(tmp_path), seconds_max=5)
    assert fault_of(done, frozenset({0})).startswith("it could not start")
    with pytest.raises(ValueError, match=r"."):
        answer_of(done)
