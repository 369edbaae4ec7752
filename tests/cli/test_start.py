"""Starting the program: quickly, without what a command does not need, plain off a terminal."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.cli.rig import CONFIG, environment, keelway

HEAVY = {"dbos", "fastapi", "sqlalchemy", "uvicorn", "httpx2", "alembic", "aiohttp", "jinja2"}


@pytest.mark.parametrize("words", [["--help"], ["ask", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words, tmp_path):
    code = (
        f"import sys\nsys.argv = ['keelway', *{words!r}]\n"
        "from keelway.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(tmp_path), check=True
    )
    assert done.stderr.strip() == "[]"


def test_every_verb_of_the_design_is_there(tmp_path):
    said = keelway(tmp_path, tmp_path, "--help").out
    verbs = (
        "demo init doctor up ask status tasks show watch logs diff plan explain approve revise reject pause resume abort "
        "retry deploy promote releases rollback health freeze unfreeze audit down"
    )
    assert [verb for verb in verbs.split() if f" {verb} " not in said] == []


def test_a_usage_error_is_exit_2(tmp_path):
    assert keelway(tmp_path, tmp_path, "ask").code == 2
    assert keelway(tmp_path, tmp_path, "sing").code == 2


def test_no_project_here(tmp_path):
    said = keelway(tmp_path, tmp_path, "status")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[1] == "Next:  keelway init"


def test_nothing_has_run_yet(tmp_path):
    (tmp_path / "keelway.toml").write_text(CONFIG)
    said = keelway(tmp_path, tmp_path / "home", "status")
    assert (said.code, "keelway up" in said.err) == (2, True)
    assert not (tmp_path / "home").exists()


def test_the_page_of_the_commands_is_fresh():
    from pathlib import Path

    from keelway.cli.main import app
    from keelway.cli.show.manual import page

    fresh = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
    assert fresh == page(app), "run: make docs"
