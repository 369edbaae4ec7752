"""What ``keelway.toml`` leaves out gets the default of its own place."""

from __future__ import annotations

import pytest

from keelway.app.config import load_config
from keelway.core.errors import YourFault
from keelway.core.policy import Policy

SMALL = """
[project]
name = "small"
[[check]]
name = "tests"
kind = "tests"
run = ["pytest"]
[[process]]
name = "web"
run = ["python", "-m", "small"]
[staging]
port = 8001
[production]
port = 8002
"""


@pytest.fixture
def loaded(tmp_path):
    def load(more: str = ""):
        (tmp_path / "keelway.toml").write_text(SMALL + more)
        return load_config(tmp_path / "keelway.toml").policy

    return load


def test_without_a_word_every_default_holds(loaded):
    assert loaded() == Policy()


@pytest.mark.parametrize("place", ["staging", "production"])
def test_one_setting_of_a_place_leaves_the_others_as_they_are(loaded, place):
    policy = loaded(f"[policy.{place}]\nwindow_seconds = 7.0\n")
    bounds, own = getattr(policy, place), getattr(Policy(), place)
    assert bounds.window_seconds == 7.0
    assert (bounds.error_rate_max, bounds.on_inconclusive) == (own.error_rate_max, own.on_inconclusive)
    assert getattr(policy, place).alpha == own.alpha


@pytest.mark.parametrize(
    "more", ["policy = 3\n", "[policy]\nstaging = 3\n", "[policy.staging]\nwindow = 3\n"]
)
def test_what_is_no_policy_is_refused(loaded, more):
    with pytest.raises(YourFault) as caught:
        loaded(more)
    assert caught.value.code == "config_invalid"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[recipe]]\nname = "a b"\nrun = ["true"]\n', "not a plain name"),
        ('[[recipe]]\nname = "a"\nuse = "nothing"\n', "known are"),
        ('[[recipe]]\nname = "a"\nrun = ["true"]\n[[recipe]]\nname = "a"\nrun = ["true"]\n', "there twice"),
        ('[[recipe]]\nname = "a"\nrun = ["true"]\nevery = 3\n', "did you mean every_hours"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_at_once(loaded, more, said):
    with pytest.raises(YourFault, match=said):
        loaded(more)


def test_what_no_agent_could_reach_is_refused_when_it_is_read(loaded):
    loaded('[sandbox]\negress = ["pypi", "*.example.org", "mirror:8081"]\n')
    with pytest.raises(YourFault) as caught:
        loaded('[sandbox]\negress = ["pipy"]\n')
    assert caught.value.code == "config_invalid"
    assert "known words: pypi, npm" in caught.value.message


def test_an_agent_goes_to_a_provider_that_is_there(loaded):
    agent = '[agent]\nuse = "codex"\nprovider = "openai"\nmodel = "m"\n'
    loaded('[[provider]]\nname = "openai"\n' + agent)
    with pytest.raises(YourFault, match=r"agent.provider 'openai' is no \[\[provider\]\] here"):
        loaded(agent)
