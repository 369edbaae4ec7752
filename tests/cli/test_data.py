"""``keelway data``: what it prints, as text and as JSON, and its exit codes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from tests.cli.rig import CONFIG


@pytest.fixture
def data(type_here, tmp_path):
    home = tmp_path / "home"
    (home / "data/production").mkdir(parents=True)
    with closing(sqlite3.connect(home / "data/production/app.db")) as db, db:
        db.execute("CREATE TABLE ships (id INTEGER PRIMARY KEY)")
        db.execute("INSERT INTO ships VALUES (1), (2)")

    def run(*words: str):
        configured = f'{CONFIG}\n[data]\nsqlite = "{{data}}/app.db"\n'
        (tmp_path / "repository/keelway.toml").write_text(configured)
        return type_here("data", *words, home=home)

    return run


def test_a_backup_is_taken_listed_and_proven(data):
    assert "no backup yet" in data("list").out
    done = data("take", "production", "--json")
    made = json.loads(done.out)
    assert (done.code, made["rows"], made["kinds"], made["encrypted"]) == (0, 2, ["sqlite"], False)
    assert made["id"] in data("list", "production").out
    assert "no backup" in data("list", "staging").out
    good = data("prove", "production")
    assert (good.code, "2 rows as counted" in good.out) == (0, True)


def test_one_that_does_not_come_back_is_said(data, tmp_path):
    made = json.loads(data("take", "production", "--json").out)
    path = tmp_path / f"home/backups/production/{made['id']}.sqlite"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    bad = data("prove", "production", made["id"])
    assert (bad.code, "does NOT come back" in bad.out) == (1, True)
    assert "Next: keelway data take production" in bad.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("take", "staging"), "no_data"),
        (("take", "nowhere"), "no_environment"),
        (("prove", "production"), "no_backup"),
        (("prove", "production", "x"), "no_backup"),
    ],
)
def test_what_cannot_be_done_is_refused(data, words, code):
    done = data(*words, "--json")
    assert (done.code, json.loads(done.out)["error"]["code"]) == (2, code)
