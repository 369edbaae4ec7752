"""``keelway upgrade`` from a terminal, on a store in which runs of other workflow schemas wait."""

from __future__ import annotations

import json
import shutil

import pytest
from tests.web.rig import House

from keelway.app.control.plane import ControlPlane
from keelway.app.home import Home
from keelway.app.upgrade import stranded_runs
from keelway.app.upkeep.schemas import bring_up
from keelway.core.codec import to_json
from keelway.core.model.task import OWNER, Request
from keelway.engine import schema
from keelway.engine.run.verbs import STORY
from keelway.engine.upgrade.backlog import Backlog


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A store in which nothing happened yet."""
    home = Home(tmp_path_factory.mktemp("tables"))
    bring_up(home, lambda _: None)
    return home.book


@pytest.fixture
def house(tmp_path, tables):
    """A house whose task never began."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(tables, Home(home).book)
    house = House.build(home)
    house.row = house.world.commands.submit(Request("Add two", OWNER, house.world.clock.now()))
    yield house
    house.world.close()


def leave(house, number, story="deliver", payload=None):
    """Leave an unfinished run of a schema number in the engine's tables."""
    backlog = Backlog(house.world.app.home.database_url)
    task = house.row.task
    options = {
        "workflow_name": STORY,
        "queue_name": schema.TASKS,
        "workflow_id": task.id if story == "deliver" else f"{task.id}:watch-1",
        "app_version": number,
    }
    backlog._client.enqueue(options, story, to_json(task) if payload is None else payload)
    backlog.close()


def run_of(house, run):
    backlog = Backlog(house.world.app.home.database_url)
    (found,) = backlog._client.list_workflows(workflow_ids=[run])
    backlog.close()
    return found.app_version, found.status


def test_nothing_is_to_be_done_where_nothing_waits(house, type_here):
    said = type_here("upgrade", "--json", home=house.world.home)
    done = json.loads(said.out)
    assert (said.code, done["adopted"], done["backup"], done["untouched"]) == (0, [], "", 0)


def test_nothing_runs_yet(tmp_path, type_here):
    said = type_here("upgrade", home=tmp_path / "nowhere")
    assert (said.code, "nothing_yet" in said.err) == (2, True)


def test_an_older_task_is_adopted_after_a_backup_and_named(house, type_here):
    leave(house, "0")
    assert stranded_runs(house.world.app.home) == 1
    foreseen = type_here("upgrade", "--dry-run", home=house.world.home)
    assert (foreseen.code, "T-1: would be adopted" in foreseen.out) == (0, True)
    assert run_of(house, house.row.task.id) == ("0", "ENQUEUED")
    said = type_here("upgrade", home=house.world.home)
    assert said.code == 0, said.err
    assert "T-1: adopted; goes on where it stood." in said.out
    assert "1 adopted, 0 closed, 0 stranded" in said.out
    assert len(list((house.world.home / "store-backups").iterdir())) == 1
    assert run_of(house, house.row.task.id) == (schema.SCHEMA, "ENQUEUED")
    assert stranded_runs(house.world.app.home) == 0
    (event,) = [link.event for link in house.world.ledger.events() if link.event.data.get("from") == "0"]
    assert event.data["what"] == f"adopted by schema {schema.SCHEMA}"
    assert event.task == house.row.task.id


def test_a_run_of_a_newer_keelway_is_left_alone_and_told(house, type_here):
    leave(house, "99")
    said = type_here("upgrade", "--json", home=house.world.home)
    assert said.code == 1
    (stranded,) = json.loads(said.out)["stranded"]
    assert (stranded["task"], stranded["from_schema"]) == ("T-1", "99")
    assert run_of(house, house.row.task.id) == ("99", "ENQUEUED")


def test_a_task_whose_request_can_no_longer_be_read_is_closed(house, type_here):
    leave(house, "0", payload={"unreadable": True})
    said = type_here("upgrade", "--json", home=house.world.home)
    done = json.loads(said.out)
    assert (said.code, [each["task"] for each in done["closed"]]) == (0, ["T-1"])
    assert run_of(house, house.row.task.id) == ("0", "CANCELLED")
    assert run_of(house, f"{house.row.task.id}:end-1") == (schema.SCHEMA, "ENQUEUED")


def test_an_order_that_can_no_longer_be_read_is_told_and_left_alone(house, type_here):
    leave(house, "0", "watch", {"unreadable": True})
    said = type_here("upgrade", "--json", home=house.world.home)
    assert (said.code, len(json.loads(said.out)["stranded"])) == (1, 1)


def test_the_control_plane_says_that_runs_stand_still(house):
    leave(house, "0")
    said = []
    plane = ControlPlane(house.world.app, house.world.engine, said.append)
    plane._begin()
    plane.close()
    assert any("1 unfinished run(s)" in line and "keelway upgrade" in line for line in said)


def test_a_server_in_the_way_is_named(house, type_here):
    lock = Backlog(house.world.app.home.database_url)
    leave(house, "0")
    with lock.alone(house.world.home):
        foreseen = type_here("upgrade", "--dry-run", "--json", home=house.world.home)
        said = type_here("upgrade", home=house.world.home)
    lock.close()
    assert (foreseen.code, len(json.loads(foreseen.out)["in_the_way"])) == (1, 1)
    assert (said.code, "already_running" in said.err) == (2, True)
    assert run_of(house, house.row.task.id) == ("0", "ENQUEUED")
