"""A store on SQLite and on PostgreSQL for each test, empty or with both schemas."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.workflows.world import PROJECT

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.sections import ConfigFile, EnvironmentSection, ProjectSection
from keelway.app.upkeep.schemas import bring_up
from keelway.core.policy import ArtefactPolicy, Policy
from keelway.store.database import open_database
from keelway.store.ledger import SqlLedger


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request, tmp_path) -> Home:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return Home(tmp_path / "home", url)


@pytest.fixture
def config(tmp_path) -> Config:
    policy = replace(Policy(), artefact=ArtefactPolicy(inline_bytes_max=10))
    file = ConfigFile(ProjectSection("fake"), EnvironmentSection(8001), EnvironmentSection(8002))
    return Config(file, tmp_path / "keelway.toml", PROJECT, policy)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(scope="session")
def ready_file(tmp_path_factory) -> Path:
    home = Home(tmp_path_factory.mktemp("ready"))
    bring_up(home, lambda _: None)
    return home.book


@pytest.fixture(params=["sqlite", "postgresql"])
def ready(request, tmp_path) -> Home:
    """Return a home whose store has both schemas."""
    url = request.getfixturevalue("postgres_ready_url") if request.param == "postgresql" else ""
    home = Home(tmp_path / "home", url)
    home.prepare()
    if not url:
        shutil.copy(request.getfixturevalue("ready_file"), home.book)
    return home


@pytest.fixture
def ledger(ready, config):
    home = ready
    engine = open_database(home.database_url)
    yield SqlLedger(engine, home.root, artefacts=config.policy.artefact)
    engine.dispose()
