"""Without a fence the program runs as it was described, and the lack is told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from keelway.clients.cage import MIB, Bounds, Inside, Settings, choose_cage
from keelway.clients.shell import MARKER, Command, Done, run
from keelway.core.errors import YourFault


def _run(inside: Inside, stdin: bytes = b"") -> Done:
    cage = choose_cage("none", Settings())
    outside = cage.wrap(inside)
    try:
        return run(Command(outside.argv, outside.cwd, outside.env, 20, stdin=stdin))
    finally:
        cage.release(inside)


def _inside(home: Path, script: str, bounds: Bounds | None = None, **env: str) -> Inside:
    return Inside((sys.executable, "-c", script), env, str(home), str(home), bounds=bounds or Bounds())


def test_environment_folder_pipes_and_exit_code_are_those_of_the_run(tmp_path):
    script = "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), input()])); sys.exit(7)"
    done = _run(_inside(tmp_path, script, A="b", KEEPS="x" * 120_000, LC_ALL="C.UTF-8"), b"hello\n")
    assert done.exit_code == 7
    assert json.loads(done.stdout) == [
        {"A": "b", "KEEPS": "x" * 120_000, "LC_ALL": "C.UTF-8"},
        str(tmp_path),
        "hello",
    ]


def test_the_environment_of_the_run_cannot_be_read_by_others_and_loads_nothing_into_the_launcher(tmp_path):
    inside = _inside(tmp_path, "", TOKEN="secret-1", LD_PRELOAD=str(tmp_path / "evil.so"), **{MARKER: "m1"})
    cage = choose_cage("none", Settings())
    outside = cage.wrap(inside)
    cage.release(inside)
    assert "secret-1" not in " ".join(outside.argv)
    assert {name for name in outside.env if not name.startswith("KEELWAY_CAGE_")} == {"PATH", MARKER}


def test_a_file_may_not_grow_beyond_its_bound(tmp_path):
    script = "open('big', 'wb').write(b'x' * 5_000_000)"
    done = _run(_inside(tmp_path, script, Bounds(file_bytes_max=MIB)))
    assert done.exit_code != 0
    assert (tmp_path / "big").stat().st_size == MIB


def test_a_missing_program_is_told(tmp_path):
    done = _run(Inside(("/not/there",), {}, str(tmp_path), str(tmp_path)))
    assert done.exit_code == 125
    assert b"/not/there could not be started" in done.stderr


def test_it_says_what_is_missing():
    facts = choose_cage("none", Settings()).facts()
    assert (facts.works, facts.trusted_only, facts.isolates_network) == (True, True, False)
    assert "no sandbox" in facts.missing[0]


def test_an_unknown_name_is_refused():
    with pytest.raises(YourFault, match="no sandbox called 'vm'"):
        choose_cage("vm", Settings())
