"""``keelway doctor sandbox`` attacks, shows every attack and ends with what it found."""

from __future__ import annotations

import json

import pytest
from tests.cli.rig import CONFIG, keelway

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "keelway.toml").write_text(CONFIG + '[sandbox]\nuse = "none"\n')
    return tmp_path


def test_without_a_sandbox_it_shows_what_gets_through_and_ends_with_3(project):
    said = keelway(project, project / "home", "doctor", "sandbox", seconds=200)
    assert said.code == 3, said
    rows = [row.split() for row in said.out.splitlines()]
    assert sum("ESCAPED" in row for row in rows) > 20
    assert "reach a service on the host's loopback" in said.out
    assert "attacks on none" in said.out.splitlines()[-1]
    assert "attacking without a cage" in said.err
    assert not (project / "home").exists()


def test_another_sandbox_can_be_named_and_no_project_is_needed(tmp_path):
    said = keelway(
        tmp_path, tmp_path / "home", "doctor", "sandbox", "--json", "--cage", "landlock", seconds=200
    )
    if said.code == 2:
        pytest.skip(f"no Landlock here: {said.err}")
    trial = json.loads(said.out)
    assert (said.code, trial["passed"]) == (0, True), trial["sentence"]
    outcomes = {row["attack"]["name"]: row["outcome"] for row in trial["rows"]}
    assert outcomes["read_outside"] == "blocked"
    assert outcomes["proc_list"] == "known gap"


def test_an_unknown_sandbox_or_check_is_told(project):
    said = keelway(project, project / "home", "doctor", "sandbox", "--cage", "vm")
    assert (said.code, "unknown_cage" in said.err) == (2, True)
    said = keelway(project, project / "home", "doctor", "kitchen")
    assert (said.code, "keelway doctor sandbox" in said.err) == (2, True)
