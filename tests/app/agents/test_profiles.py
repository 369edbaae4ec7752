"""Every profile that comes with Keelway is whole, and a broken one is refused with what is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from keelway.app.agents.profile import ACP, load_profile, profile_names, read_profile
from keelway.app.agents.proven import CASES, Proven, keep, proven
from keelway.clients.run import fill
from keelway.core.errors import YourFault

NAMES = profile_names()
SOUND = """
format = 1
name = "mine"
title = "Mine"
kind = "command"
licence = "MIT"
argv = ["${program}", "${prompt}"]
[install]
command = "mine"
version = "1.0"
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_whole(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert "${program}" in profile.argv
    text = " ".join([*profile.argv, *profile.env.values(), *profile.files.values(), profile.stdin])
    if profile.apis:
        assert all(blank in text for blank in ("${model}", "${url}", "${token}"))
    if profile.kind == ACP:
        assert "${prompt" not in text
    else:
        assert "${prompt}" in text or "${prompt_file}" in text


@pytest.mark.parametrize("name", NAMES)
def test_files_of_a_profile_are_what_their_names_say(name: str) -> None:
    profile = load_profile(name)
    blanks = dict.fromkeys(("model", "url", "token", "home", "prompt", "workspace", "prompt_file"), "x")
    for path, text in profile.files.items():
        if path.endswith(".json"):
            json.loads(fill(text, blanks))
        elif path.endswith(".toml"):
            tomllib.loads(fill(text, blanks))


def test_a_sound_profile_is_read() -> None:
    assert read_profile(SOUND.encode(), "x").install.command == "mine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "its format is 2"),
        ('licence = "MIT"', 'license = "MIT"', "license"),
        ('licence = "MIT"', 'licence = " "', "licence is empty"),
        ('"command"\n', '"telepathy"\n', "telepathy"),
        ("${prompt}", "${wish}", "${wish} stands for nothing"),
        ('version = "1.0"', 'version = "latest"', "no version"),
        ('version = "1.0"', 'version = "1.0"\n[files]\n"../.bashrc" = "x"', "outside the home"),
        ('version = "1.0"', 'version = "1.0"\n[output]\nformat = "xml"', "xml"),
        ('version = "1.0"', 'version = "1.0"\n[[output.take]]\nstop = "tired"', "tired"),
        ("[install]", "apis = ['morse']\n[install]", "morse"),
        ('version = "1.0"', "version = 1", "version"),
        ("title", "title = ", "not valid TOML"),
    ],
)
def test_a_broken_profile_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(YourFault) as fault:
        read_profile(SOUND.replace(old, new, 1).encode(), "mine.toml")
    assert fault.value.code == "profile_invalid"
    assert said in fault.value.message


def test_a_profile_of_ones_own_lies_outside_the_repository(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SOUND)
    assert load_profile(str(path)).title == "Mine"
    assert load_profile(str(path), outside=tmp_path / "repository").title == "Mine"
    with pytest.raises(YourFault, match="lies in the repository"):
        load_profile(str(path), outside=tmp_path)
    with pytest.raises(YourFault, match="cannot be read"):
        load_profile(str(tmp_path / "none.toml"))
    with pytest.raises(YourFault, match="no agent called"):
        load_profile("nobody")


def test_what_is_called_proven_is_known() -> None:
    for name, seen in proven().items():
        assert name in NAMES
        assert set(seen.cases) <= CASES.keys()


def test_the_profile_in_the_manual_is_sound() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "agent-profile.md").read_text()
    example = page.split("```text\n", 1)[1].split("```", 1)[0]
    assert read_profile(example.encode(), "the manual").name == "my-agent"


def test_results_of_what_was_not_tried_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "proven.json"
    path.write_text('{"agents": {}}')
    monkeypatch.setattr("keelway.app.agents.proven.path", lambda: path)
    keep({"pi": Proven("1", "bubblewrap", ("key", "task"))}, {"pi": {"key", "task"}})
    keep({"pi": Proven("1", "bubblewrap", ("silent",))}, {"pi": {"silent", "task"}})
    assert proven() == {"pi": Proven("1", "bubblewrap", ("key", "silent"))}
    keep({"pi": Proven("2", "bubblewrap", ("cancel",))}, {"pi": {"cancel"}})
    assert proven()["pi"].cases == ("cancel",)
