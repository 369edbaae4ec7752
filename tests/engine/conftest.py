"""Databases on PostgreSQL that already know every table and queue: to copy one takes a moment."""

from __future__ import annotations

import os
from itertools import count

import pytest

_numbers = count(1)


@pytest.fixture(scope="session")
def ready_database(postgres_cluster, tmp_path_factory):
    """The name of a database with the tables of the store and the engine, and the queues of the tests."""
    from tests.engine.crew_child import QUEUES as CREW_QUEUES

    from keelway.engine.durable import DbosEngine
    from keelway.ports.engine import Queue
    from keelway.store.database import open_database, upgrade
    from keelway.testing.conformance.engine import QUEUES

    name = f"ready_{os.getpid()}"
    postgres_cluster.sql(f"CREATE DATABASE {name}")
    url = postgres_cluster.url(name)
    database = open_database(url)
    upgrade(database)
    database.dispose()
    engine = DbosEngine(url, tmp_path_factory.mktemp("ready"))
    engine.launch(
        {}, {}, tuple({queue.name: queue for queue in (*QUEUES, *CREW_QUEUES, Queue("ops", 2))}.values())
    )
    engine.close()
    return name


@pytest.fixture
def crew_url(postgres_cluster, ready_database):
    """A fresh copy of it."""
    name = f"crew_{os.getpid()}_{next(_numbers)}"
    postgres_cluster.sql(f"CREATE DATABASE {name} TEMPLATE {ready_database}")
    yield postgres_cluster.url(name)
    postgres_cluster.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
