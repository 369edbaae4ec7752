"""``keelway policy`` says what is in force and what a patch would meet, and alters nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

HONEST = """--- a/shop.py
+++ b/shop.py
@@ -1,3 +1,3 @@
 @login_required
 def total(cart):
-    return sum(cart)
+    return round(sum(cart), 2)
"""
UNGUARDED = """--- a/shop.py
+++ b/shop.py
@@ -1,3 +1,2 @@
-@login_required
 def total(cart):
     return sum(cart)
"""
FORBIDDEN = """--- /dev/null
+++ b/.github/workflows/x.yml
@@ -0,0 +1 @@
+on: push
"""


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(type_here, tmp_path, monkeypatch):
    """Make a repository with a policy, an owner list and an operator's file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("KEELWAY_POLICY", raising=False)
    repository, home = tmp_path / "repository", tmp_path / "home"
    home.mkdir()
    (home / "policy.toml").write_text("[policy.guardrail]\nfiles_max = 30\n")
    config = repository / "keelway.toml"
    config.write_text(
        config.read_text() + '[policy.guardrail]\nfiles_max = 20\n[policy.review]\nauto_merge_risk = "low"\n'
    )
    (repository / "shop.py").write_text("@login_required\ndef total(cart):\n    return sum(cart)\n")
    (repository / "CODEOWNERS").write_text("/shop.py @shop/team\n")
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")

    def run(*words: str, stdin: str = ""):
        return type_here("policy", *words, home=home, stdin=stdin)

    run.repository, run.home = repository, home
    return run


def test_show_tells_what_differs_and_who_says_so(project):
    said = project("show")
    assert said.code == 0
    assert "guardrail.files_max" in said.out
    assert "repository" in said.out
    assert "plan.lines_high" not in said.out
    assert str(project.home / "policy.toml") in said.out


def test_explain_tells_value_ceiling_source_and_direction(project):
    said = project("explain", "policy.guardrail.files_max", "--json")
    (row,) = json.loads(said.out)["thresholds"]
    assert (row["value"], row["default"], row["ceiling"], row["source"]) == ("20", "50", "30", "repository")
    assert row["stricter"] == "lower is stricter"
    assert "The largest number of files" in project("explain", "guardrail.files_max").out
    every = json.loads(project("explain", "--json").out)["thresholds"]
    assert len(every) > 60
    assert all(row["sentence"] and row["stricter"] for row in every)
    assert "plan.lines_high" in project("explain", "plan").out
    lost = project("explain", "guardrail.file_max")
    assert (lost.code, "keelway policy explain guardrail.files_max" in lost.err) == (2, True)


def test_a_loosening_stops_every_command_that_needs_the_policy(project):
    (project.home / "policy.toml").write_text("[policy.guardrail]\nfiles_max = 10\n")
    said = project("show")
    assert said.code == 2
    assert "policy.guardrail.files_max = 20, where the operator allows 10" in said.err


def test_without_a_word_every_threshold_has_its_default(project):
    (project.home / "policy.toml").unlink()
    config = project.repository / "keelway.toml"
    config.write_text(config.read_text().partition("[policy")[0])
    said = project("show")
    assert "Every threshold has its default" in said.out


def test_an_honest_patch_is_refused_by_no_rule(project, tmp_path):
    patch = tmp_path / "change.patch"
    patch.write_text(HONEST)
    before = git(project.repository, "status", "--porcelain"), git(project.repository, "count-objects")
    said = project("test", str(patch))
    assert said.code == 0, said
    assert "No rule refuses it; 0 ask a person." in said.out
    assert "automatic: its risk is low" in said.out
    assert "shop.py: @shop/team" in said.out
    assert (
        git(project.repository, "status", "--porcelain"),
        git(project.repository, "count-objects"),
    ) == before


def test_a_guard_that_goes_asks_a_person_and_a_forbidden_path_is_refused(project, tmp_path):
    (tmp_path / "a.patch").write_text(UNGUARDED)
    found = json.loads(project("test", str(tmp_path / "a.patch"), "--json").out)
    assert found["passed"]
    assert found["rules"][0]["code"] == "access_guard_removed"
    assert found["risk"] == "high"
    assert "auth" in found["categories"]
    assert found["production"].startswith("a person has to have approved the merge")
    (tmp_path / "b.patch").write_text(FORBIDDEN)
    said = project("test", str(tmp_path / "b.patch"))
    assert said.code == 3
    assert "forbidden_path" in said.out


def test_a_range_of_commits_is_tried_like_a_patch(project):
    git(project.repository, "checkout", "-qb", "work")
    (project.repository / "shop.py").write_text("def total(cart):\n    return sum(cart)\n")
    git(project.repository, "commit", "-qam", "second")
    found = json.loads(project("test", "main..work", "--json").out)
    assert found["head"] == git(project.repository, "rev-parse", "work")
    assert found["rules"][0]["code"] == "access_guard_removed"
    assert project("test", "main..nowhere").code == 2


@pytest.mark.parametrize(
    ("text", "code"), [("nonsense", "patch_unfit"), (HONEST.replace("sum", "max"), "patch_unfit")]
)
def test_what_is_no_patch_for_this_commit_is_told(project, tmp_path, text, code):
    (tmp_path / "x.patch").write_text(text)
    said = project("test", str(tmp_path / "x.patch"))
    assert (said.code, code in said.err) == (2, True)
    assert project("test", str(tmp_path / "lost.patch")).code == 2
