"""Every step of the schema, there and back."""

import json
import sqlite3
from contextlib import closing

import pytest

from harbor import migrate
from harbor.db import connect

LATEST = migrate.migrations()[-1].version


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("HARBOR_DB", str(tmp_path / "empty.db"))
    with closing(connect(tmp_path / "empty.db", create=True)) as db:
        yield db


def dump(db):
    """Everything in the database except when its steps were applied."""
    return [line for line in db.iterdump() if "schema_version" not in line]


def test_versions_follow_one_another_and_each_has_a_way_back():
    steps = migrate.migrations()
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.statements(way) for step in steps for way in ("up", "down"))


@pytest.mark.parametrize("version", range(LATEST))
def test_down_undoes_up(empty, version):
    migrate.up(empty)
    migrate.down(empty, LATEST - version)
    before = dump(empty)
    assert migrate.current_version(empty) == version
    assert migrate.up(empty) == list(range(version + 1, LATEST + 1))
    assert migrate.down(empty, LATEST - version) == list(range(LATEST, version, -1))
    assert dump(empty) == before


def test_rows_survive_a_step_back_and_forth(empty):
    migrate.up(empty)
    empty.execute("UPDATE ships SET length_m = 25 WHERE name = 'Aurora'")
    migrate.down(empty, LATEST - 1)
    migrate.up(empty)
    assert empty.execute("SELECT length_m FROM ships WHERE name = 'Aurora'").fetchone()[0] == 25


def test_up_twice_changes_nothing(empty):
    migrate.up(empty)
    before = dump(empty)
    assert migrate.up(empty) == []
    assert dump(empty) == before


def test_a_broken_step_leaves_no_trace(empty, tmp_path, monkeypatch):
    (tmp_path / "0001_broken.up.sql").write_text("CREATE TABLE half (id INTEGER);\nCREATE NONSENSE;\n")
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
        migrate.up(empty)
    assert not empty.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall()
    assert migrate.current_version(empty) == 0


def test_a_newer_schema_is_left_alone(empty, capsys):
    migrate.up(empty)
    empty.execute("INSERT INTO schema_version VALUES (9999, 'later', '')")
    assert migrate.up(empty) == []
    assert migrate.main(["down"]) == 1
    assert "Run down with the release that made it" in capsys.readouterr().err


def test_the_commands_tell_the_version(empty, capsys):
    assert migrate.main(["up"]) == 0
    assert migrate.main(["up"]) == 0
    assert migrate.main(["status"]) == 0
    assert migrate.main(["down", "--steps", "1"]) == 0
    assert migrate.main(["status", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [f"up: nothing to do, schema {LATEST}", str(LATEST)]
    assert json.loads(lines[4]) == {"version": LATEST - 1, "latest": LATEST, "pending": [LATEST]}
