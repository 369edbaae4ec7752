"""The application as facts: its environments, its tests and its sources."""

from __future__ import annotations

import pytest

from keelway.core.codec import from_json, to_json
from keelway.core.errors import YourFault
from keelway.core.model.project import DataSpec, EnvironmentSpec, Project

PROJECT = Project(
    "shop", environments=(EnvironmentSpec("staging", 8001), EnvironmentSpec("production", 8000))
)


def test_environments_are_found_by_name() -> None:
    assert PROJECT.environment("production").port == 8000
    with pytest.raises(KeyError):
        PROJECT.environment("moon")


@pytest.mark.parametrize("path", ["tests/test_a.py", "app/tests/x.py", "test_a.py", "conftest.py"])
def test_tests_are_no_sources(path: str) -> None:
    assert PROJECT.is_test(path)
    assert not PROJECT.is_source(path)


def test_sources() -> None:
    assert PROJECT.is_source("src/shop/a.py")
    assert PROJECT.is_source("app.py")
    assert not PROJECT.is_source("README.md")


def test_only_a_merge_of_ours_moves_the_two_branches() -> None:
    assert PROJECT.branches.protected == {"develop", "main"}


def test_it_survives_its_plain_form() -> None:
    assert from_json(Project, to_json(PROJECT)) == PROJECT


@pytest.mark.parametrize(
    ("url", "address"), [("", "http://127.0.0.1:8000"), ("https://app.example/", "https://app.example")]
)
def test_users_call_the_address_of_the_environment(url, address):
    assert EnvironmentSpec("production", 8000, url=url).address == address


@pytest.mark.parametrize(
    ("project", "backed_up"),
    [
        (Project("app"), False),
        (Project("app", sqlite="{data}/app.db"), True),
        (Project("app", data=DataSpec(postgres="env:DB")), True),
        (Project("app", data=DataSpec(mysql="env:DB")), True),
        (Project("app", data=DataSpec(files=("uploads",))), False),
    ],
)
def test_only_databases_count_as_backed_up(project, backed_up):
    assert project.backed_up is backed_up


def test_an_environment_that_nobody_has_is_told_with_those_that_there_are() -> None:
    assert PROJECT.named("staging").port == 8001
    with pytest.raises(YourFault, match="known: staging, production") as caught:
        PROJECT.named("moon")
    assert caught.value.code == "no_environment"
    with pytest.raises(YourFault, match="known: none"):
        Project("empty").named("moon")
