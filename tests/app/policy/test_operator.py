"""One file of the operator bounds every repository; what it cannot be used for is an error, never a silence."""

from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.test_config import SMALL

from keelway.app.config import BYTES_MAX, parse_toml, read_policy
from keelway.app.desk import Place
from keelway.app.home import Home
from keelway.app.policy.operator import ENVIRONMENT_NAME, FILE_NAME, operator_file
from keelway.core.errors import KeelwayError, YourFault
from keelway.core.policy import Policy


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("KEELWAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(ENVIRONMENT_NAME, raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "repository").mkdir()

    def make(own: str = "", operator: str | None = None) -> Place:
        (tmp_path / "repository" / "keelway.toml").write_text(SMALL + own)
        if operator is not None:
            (tmp_path / "home" / FILE_NAME).write_text(operator)
        return Place(tmp_path / "repository" / "keelway.toml")

    return make


CEILING = '[policy.guardrail]\nfiles_max = 30\n[policy.review]\nauto_merge_risk = "low"\n'


def test_without_a_file_the_repository_says_what_holds(place):
    config = place("[policy.guardrail]\nfiles_max = 80\n").config
    assert config.policy.guardrail.files_max == 80
    assert config.ceiling.path is None


def test_the_operators_values_hold_and_the_repository_may_be_stricter(place):
    config = place("[policy.guardrail]\nfiles_max = 20\n", CEILING).config
    assert config.policy.guardrail.files_max == 20
    assert config.policy.review.auto_merge_risk == "low"
    assert config.file.policy == config.policy


def test_a_loosening_is_an_error_that_names_both_values(place):
    with pytest.raises(YourFault) as caught:
        _ = place("[policy.guardrail]\nfiles_max = 80\n", CEILING).config
    assert caught.value.code == "policy_loosened"
    assert "policy.guardrail.files_max = 80, where the operator allows 30" in caught.value.message
    assert str(FILE_NAME) in caught.value.message


def test_defaults_can_be_made_to_bind(place):
    own = "[policy.development]\niterations_max = 11\n"
    assert place(own, "").config.policy.development.iterations_max == 11
    with pytest.raises(YourFault, match="iterations_max = 11, where the operator allows 10"):
        _ = place(own, "bind_defaults = true\n").config


def test_the_named_file_goes_before_that_of_the_home_and_that_of_the_user(tmp_path):
    home = Home(tmp_path / "home")
    user = tmp_path / "config" / "keelway" / FILE_NAME
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert operator_file(home, environ) is None
    user.parent.mkdir(parents=True)
    user.write_text("")
    assert operator_file(home, environ) == user
    home.root.mkdir()
    (home.root / FILE_NAME).write_text("")
    assert operator_file(home, environ) == home.root / FILE_NAME
    assert operator_file(home, {**environ, ENVIRONMENT_NAME: "/elsewhere"}).as_posix() == "/elsewhere"


def test_a_lost_file_that_was_named_is_told_and_not_ignored(place, monkeypatch, tmp_path):
    monkeypatch.setenv(ENVIRONMENT_NAME, str(tmp_path / "lost.toml"))
    with pytest.raises(YourFault) as caught:
        _ = place().config
    assert caught.value.code == "policy_unreadable"


def test_a_file_inside_the_repository_binds_nothing_and_is_refused(place, monkeypatch, tmp_path):
    inside = tmp_path / "repository" / "policy.toml"
    inside.write_text(CEILING)
    (tmp_path / "link.toml").symlink_to(inside)
    for name in (inside, tmp_path / "link.toml"):
        monkeypatch.setenv(ENVIRONMENT_NAME, str(name))
        with pytest.raises(YourFault) as caught:
            _ = place().config
        assert caught.value.code == "policy_inside"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policy = ", "not valid TOML"),
        ("[guardrail]\nfiles_max = 3\n", "unknown key guardrail"),
        ("bind_defaults = 1\n", "neither true nor false"),
        ("[policy.guardrail]\nfile_max = 3\n", "did you mean files_max"),
        ('[policy.guardrail]\nfiles_max = "3"\n', "files_max"),
        ("policy = 3\n", "policy is no table"),
        ("[policy.guardrail]\nfiles_max = -1\n", "0 or more"),
        ("[policy.production]\nerror_rate_max = nan\n", "0 or more"),
        ("[policy.review]\nreminder_seconds = 0.0\n", "above 0"),
        ('[policy.review]\nauto_merge_risk = "high"\n', "none, low, medium"),
        ('[policy.review]\napprove_stages = ["deploy"]\n', "which is no stage"),
        ('[policy.category]\nnever_auto_deploy = ["schemas"]\n', "which is no category"),
        ('[policy.guardrail]\nforbidden = ["*a*a*a*a*b"]\n', "too many stars"),
        ('[policy.guardrail]\nforbidden = ["**/a/**/b/**"]\n', "too many stars"),
        ('[policy.category.paths]\nauth = [""]\n', "is empty"),
        ("x = " + "[" * 3_000, "not valid TOML"),
        ("#" * (BYTES_MAX + 1), ""),
    ],
)
def test_a_file_that_cannot_be_used_says_why(place, text, said):
    with pytest.raises(KeelwayError) as caught:
        _ = place("", text).config
    assert said in caught.value.message


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
groups = st.sampled_from([*vars(Policy()), "nothing"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(groups, st.dictionaries(st.text(max_size=8), values, max_size=3) | values, max_size=3))
def test_no_table_crashes_the_reader(stated):
    with contextlib.suppress(YourFault):
        read_policy("x", {"policy": stated})


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='[]{}"=.\n#a1-:', max_size=200).map(str.encode))
def test_no_bytes_crash_the_reader(data):
    with contextlib.suppress(YourFault):
        assert parse_toml("x", data) == tomllib.loads(data.decode())
