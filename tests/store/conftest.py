"""A fresh database in a fresh home for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.book import fresh_store

from keelway.store.ledger import SqlLedger


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def url(home: Path) -> str:
    return f"sqlite:///{home / 'keelway.sqlite'}"


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    engine = fresh_store(home / "keelway.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine, home: Path) -> SqlLedger:
    return SqlLedger(engine, home)
