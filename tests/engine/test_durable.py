"""The durable engine in one process: the promises of every engine, its lock, its close."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
import time
from contextlib import suppress

import pytest
from dbos import DBOS

from keelway.core.errors import OurFault, YourFault
from keelway.engine.durable import DbosEngine
from keelway.engine.run.letters import SELDOM_SECONDS
from keelway.ports.engine import Queue
from keelway.testing.conformance.engine import QUEUES, EngineTests


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A database that knows its tables and queues: a first launch finds new queues only after a second."""
    home = tmp_path_factory.mktemp("migrated")
    engine = DbosEngine(f"sqlite:///{home}/engine.db", home)
    engine.launch({}, {}, QUEUES)
    engine.close()
    return home / "engine.db"


@pytest.fixture
def make(tmp_path, migrated):
    made = []

    def make(home=tmp_path):
        home.mkdir(exist_ok=True)
        if not (home / "engine.db").exists():
            shutil.copy(migrated, home / "engine.db")
        made.append(DbosEngine(f"sqlite:///{home}/engine.db", home))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def runtime(make):
    return make()


@pytest.fixture
def wait():
    def wait(condition):
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail("the condition never held")
            time.sleep(0.01)

    return wait


class TestDbosEngine(EngineTests):
    pass


def _recorded(engine, run, name):
    steps = engine._ask(lambda: DBOS.list_workflow_steps(run))
    return name in [step["function_name"] for step in steps]


async def _waits(conductor, payload):
    return await conductor.receive("answer", 3600)


def test_a_second_engine_is_refused(make, tmp_path):
    first, second, elsewhere = make(), make(), make(tmp_path / "elsewhere")
    first.launch({"story": _waits}, {}, ())
    with pytest.raises(YourFault) as caught:
        second.launch({"story": _waits}, {}, ())
    assert caught.value.code == "already_running"
    assert str(tmp_path) in caught.value.message
    with pytest.raises(OurFault, match="already holds an engine"):
        elsewhere.launch({"story": _waits}, {}, ())
    first.start("story", "T1", None)
    first.close()
    with pytest.raises(OurFault, match="not launched"):
        first.status("T1")
    second.launch({"story": _waits}, {}, ())
    assert second.status("T1") in {"queued", "running"}


def test_close_leaves_no_thread_and_the_next_engine_goes_on(make, wait):
    effects: list[str] = []

    def stage(engine, payload):
        engine.step("before", lambda: effects.append("before"))
        engine.sleep(3600 if len(effects) == 1 else 0)
        return engine.step("after", lambda: effects.append("after"))

    async def story(conductor, payload):
        await conductor.step("first", lambda: effects.append("first"))
        return await conductor.receive("answer", 3600)

    async def calls(conductor, payload):
        return await conductor.call("dev", "stage", "1", None)

    stories, stages, queues = {"story": story, "calls": calls}, {"stage": stage}, (Queue("dev", 1),)
    threads = threading.active_count()
    first = make()
    first.launch(stories, stages, queues)
    first.start("calls", "T1", None)
    wait(lambda: _recorded(first, "T1/1", "sleep"))
    first.start("story", "T2", None)
    wait(lambda: _recorded(first, "T2", "receive answer"))
    first.close()
    assert threading.active_count() == threads
    second = make()
    second.launch(stories, stages, queues)
    second.send("T2", "answer", "yes")
    wait(lambda: second.status("T2") == "done")
    assert second.result("T2") == "yes"
    assert effects == ["before", "first"]
    wait(lambda: second.status("T1") == second.status("T1/1") == "running")


def test_cancel_during_an_effect_refuses_its_result(make, wait):
    seen: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def stage(engine, payload):
        try:
            with suppress(Exception):
                engine.step("long", lambda: inside.set() or go_on.wait(10))
            seen.append("went on")
        except BaseException as gone:
            seen.append(type(gone).__name__)
            raise

    async def story(conductor, payload):
        try:
            await conductor.call("dev", "stage", "1", None)
        except BaseException as gone:
            seen.append(type(gone).__name__)
            raise

    engine = make()
    engine.launch({"story": story}, {"stage": stage}, QUEUES)
    engine.start("story", "T1", None)
    assert inside.wait(10)
    engine.cancel("T1")
    go_on.set()
    wait(lambda: len(seen) == 2)
    assert seen == ["Cancelled", "Cancelled"]


def test_every_verb_works_inside_an_event_loop(make, wait):
    async def story(conductor, payload):
        return await conductor.receive("answer", 3600)

    engine = make()

    async def handler():
        engine.launch({"story": story}, {}, ())
        engine.start("story", "T1", None)
        engine.send("T1", "answer", 1)
        engine.start("story", "T2", None)
        engine.cancel("T2")
        return engine.status("T2")

    assert asyncio.run(handler()) == "cancelled"
    wait(lambda: engine.result("T1") == 1)


def test_an_effect_may_use_the_runtime(make, wait):
    engine = make()

    async def story(conductor, payload):
        await conductor.step("send", lambda: engine.send(conductor.id, "answer", engine.status("T9")))
        return await conductor.receive("answer", 3600)

    engine.launch({"story": story}, {}, ())
    engine.start("story", "T1", None)
    wait(lambda: engine.status("T1") == "done")
    assert engine.result("T1") == "absent"


def test_a_changed_story_is_found_out(make, wait):
    async def changed(conductor, payload):
        await conductor.step("new", lambda: 1)

    first = make()
    first.launch({"story": _waits}, {}, ())
    first.start("story", "T1", None)
    wait(lambda: _recorded(first, "T1", "receive answer"))
    first.close()
    second = make()
    second.launch({"story": changed}, {}, ())
    wait(lambda: second.status("T1") == "failed")
    assert "nondeterministic" in second.failure("T1")


def test_the_database_survives_a_power_cut_by_its_settings(make, tmp_path):
    engine = make()
    engine.launch({"story": _waits}, {}, ())
    with engine._life._database.connect() as connection:
        told = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        ]
    assert told == ["wal", 2, 30000, 1]
    engine.close()
    plain = sqlite3.connect(tmp_path / "engine.db")
    try:
        assert plain.execute(
            "SELECT count(*) FROM application_versions WHERE version_timestamp > 0"
        ).fetchone()[0]
    finally:
        plain.close()


def test_nothing_is_said_to_a_hosted_console(make, capfd):
    engine = make()
    engine.launch({"story": _waits}, {}, ())
    engine.start("story", "T1", None)
    engine.cancel("T1")
    engine.close()
    told = "".join(capfd.readouterr())
    assert "console" not in told
    assert "Traceback" not in told


def test_an_answer_wakes_its_story_at_once(make, wait):
    """The contract with a private part of DBOS: without it a story on SQLite wakes many seconds later."""
    engine = make()
    engine.launch({"story": _waits}, {}, ())
    engine.start("story", "T1", None)
    wait(lambda: _recorded(engine, "T1", "receive answer"))
    wait(lambda: engine._life.board.topic_of("T1") == "answer")
    time.sleep(0.5)
    begin = time.monotonic()
    engine.send("T1", "answer", "yes")
    wait(lambda: engine.status("T1") == "done")
    assert time.monotonic() - begin < SELDOM_SECONDS / 2
