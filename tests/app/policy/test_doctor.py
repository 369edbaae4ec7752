"""The doctor says whose policy the next task gets, and warns of one that only the work tree has."""

from __future__ import annotations

import subprocess

import pytest
from tests.app.test_config import SMALL

from keelway.app.desk import Place
from keelway.app.doctor.policy import check_policy
from keelway.app.home import Home
from keelway.clients.git import Git


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("KEELWAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("KEELWAY_POLICY", raising=False)
    root = tmp_path / "shop"
    root.mkdir()
    (root / "keelway.toml").write_text(SMALL)
    for words in (
        ["init", "-qb", "main"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    return Place(root / "keelway.toml")


def take_over(place: Place) -> None:
    """Bring the commit into the bare repository, as a control plane does."""
    home = Home.of(place.path.parent)
    git = Git(str(home.repository), durable=False)
    git.init_bare("main")
    git.fetch(
        str(place.path.parent), "+refs/heads/main:refs/heads/main", "+refs/heads/main:refs/heads/develop"
    )


def check(place: Place):
    fresh = Place(place.path)
    return check_policy(fresh.config, fresh.home)


def test_before_the_first_start_the_work_tree_counts(place):
    found = check(place)
    assert (found.state, "which the base branch does not hold yet" in found.sentence) == ("ok", True)
    assert "no operator's file" in found.sentence


def test_the_base_branch_counts_and_another_work_tree_is_told(place, tmp_path):
    take_over(place)
    (tmp_path / "home" / "policy.toml").write_text("[policy.guardrail]\nfiles_max = 30\n")
    found = check(place)
    assert found.state == "ok"
    assert "keelway.toml of develop" in found.sentence
    assert str(tmp_path / "home" / "policy.toml") in found.sentence
    place.path.write_text(SMALL + "[policy.plan]\nlines_high = 9\n")
    found = check(place)
    assert (found.state, "commit it on main" in found.next) == ("warn", True)


def test_a_base_that_is_looser_than_its_ceiling_is_broken(place, tmp_path):
    place.path.write_text(SMALL + "[policy.guardrail]\nfiles_max = 80\n")
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "y"],
        cwd=place.path.parent,
        check=True,
    )
    take_over(place)
    place.path.write_text(SMALL)
    (tmp_path / "home" / "policy.toml").write_text("[policy.guardrail]\nfiles_max = 30\n")
    found = check(place)
    assert found.state == "fail"
    assert "files_max = 80, where the operator allows 30" in found.sentence
