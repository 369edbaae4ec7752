"""Give every test a migrated database of its own and the real application over it."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from harbor import migrate
from harbor.app import create_app
from harbor.db import connect
from harbor.settings import Settings, read_settings


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "harbor.db"
    with closing(connect(path, create=True)) as db:
        migrate.up(db)
    return path


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Put the signal handlers back that a started process replaced, so that the tests can be interrupted."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    shutil.copy(migrated, tmp_path / "harbor.db")
    return replace(read_settings({}), db=tmp_path / "harbor.db", log=tmp_path / "harbor.log", release="r1")


@pytest.fixture
def db(settings: Settings):
    with closing(connect(settings.db)) as connection:
        yield connection


@pytest.fixture(scope="session")
def application() -> FastAPI:
    """Build the routes once; each test puts its own settings in."""
    return create_app(read_settings({}))


@pytest.fixture
def client(application: FastAPI, settings: Settings) -> TestClient:
    application.state.settings = settings
    return TestClient(application, raise_server_exceptions=False)
