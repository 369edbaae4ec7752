"""``keelway db``: what it prints, as text and as JSON, and its exit codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.cli.rig import words_of
from tests.cli.shop import Shop

from keelway.app.home import Home
from keelway.app.upkeep.schemas import bring_up


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def db(type_here, home):
    return lambda *words: type_here("db", *words, home=home.root)


@pytest.fixture
def made(home):
    bring_up(home, lambda _: None)
    return home


def test_upgrade(db, home):
    planned = db("upgrade", "--dry-run")
    assert (planned.code, "would be brought to" in planned.out, home.book.exists()) == (0, True, False)
    done = db("upgrade", "--json")
    assert (done.code, json.loads(done.out)["after"]["book"] > 0) == (0, True)
    assert "The engine goes from schema 0" in done.err
    assert "nothing to do" in db("upgrade").out


def test_backup(db, made, tmp_path):
    planned = json.loads(db("backup", "--dry-run", "--json", "--to", str(tmp_path)).out)
    assert (planned["dry_run"], Path(planned["path"]).exists()) == (True, False)
    place = tmp_path / "kept.sqlite"
    done = db("backup", "--to", str(place))
    assert (done.code, "verified backup" in done.out, place.is_file()) == (0, True, True)
    assert "keelway down --server-only" in done.out
    assert "Checking the copy." in done.err
    again = db("backup", "--to", str(place), "--json")
    assert (again.code, json.loads(again.out)["error"]["code"]) == (2, "backup_exists")


def test_check(db, made):
    good = db("check")
    assert (good.code, "Nothing is wrong." in good.out) == (0, True)
    (made.root / "audit.head").write_text("{}")
    bad = db("check", "--json")
    report = json.loads(bad.out)
    assert (bad.code, report["ok"], report["audit"]["ok"]) == (1, False, False)
    assert report["next"] == "keelway audit --verify"
    assert "Next: keelway audit --verify" in db("check").out


def test_vacuum(db, made):
    planned = db("vacuum", "--dry-run")
    assert (planned.code, "0 artefacts" in planned.out, "would be removed" in planned.out) == (0, True, True)
    done = db("vacuum", "--json")
    assert (done.code, json.loads(done.out)["removed"]["runs"]) == (0, 0)
    assert "Giving the room back." in done.err


@pytest.mark.parametrize("words", [("backup",), ("check",), ("vacuum",)])
def test_before_the_first_start_there_is_nothing_to_look_after(db, words):
    said = db(*words)
    assert (said.code, "nothing_yet" in said.err, "keelway up" in said.err) == (2, True, True)


class TestServer:
    """The faults of a server, each with its next command, and never a password."""

    @pytest.fixture
    def at(self, db, monkeypatch):
        def ask(url, *words):
            monkeypatch.setenv("KEELWAY_STORE_URL", url)
            return db(*words)

        return ask

    def test_everything_works_on_postgresql(self, at, postgres_ready_url, tmp_path):
        for words in (("upgrade",), ("check",), ("vacuum",), ("backup", "--to", str(tmp_path / "b.dump"))):
            said = at(postgres_ready_url, *words)
            assert said.code == 0, words_of(said)
        assert (tmp_path / "b.dump").read_bytes()[:5] == b"PGDMP"

    def test_a_server_that_is_down(self, at, tmp_path):
        said = at(f"postgresql+psycopg://keelway@/k?host={tmp_path}", "check")
        assert (said.code, "store_down" in said.err, "start the server" in said.err) == (1, True, True)

    def test_a_wrong_password(self, at, postgres_cluster):
        url = f"postgresql+psycopg://guarded:no-secret@/postgres?host={postgres_cluster.folder}"
        said = at(url, "check", "--json")
        error = json.loads(said.out)["error"]
        assert (said.code, error["code"]) == (1, "store_login")
        assert "KEELWAY_STORE_URL" in error["hint"]
        assert "no-secret" not in words_of(said)

    def test_the_right_password_is_not_shown_and_reaches_the_dump(
        self, at, postgres_cluster, postgres_ready_url, tmp_path
    ):
        from tests.postgres import PASSWORD

        name = postgres_ready_url.split("/")[3].split("?")[0]
        secret = PASSWORD.replace(" ", "%20")
        url = f"postgresql+psycopg://guarded:{secret}@/{name}?host={postgres_cluster.folder}"
        for words in (("check",), ("backup", "--to", str(tmp_path / "b.dump"))):
            said = at(url, *words)
            assert said.code == 0, words_of(said)
            assert PASSWORD not in words_of(said)
            assert secret not in words_of(said)

    def test_a_database_that_is_not_there(self, at, postgres_cluster):
        said = at(postgres_cluster.url("nowhere"), "upgrade")
        assert (said.code, "store_missing" in said.err, "createdb" in said.err) == (1, True, True)

    def test_a_user_whom_nobody_knows(self, at, postgres_cluster):
        said = at(postgres_cluster.url("postgres", "stranger"), "upgrade")
        assert (said.code, "store_login" in said.err) == (1, True)

    def test_a_driver_that_is_not_installed(self, at, monkeypatch):
        import sys

        for name in [name for name in sys.modules if name.split(".")[0] == "psycopg"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "psycopg", None)
        said = at("postgresql+psycopg://k@/k", "check")
        assert (said.code, "driver_missing" in said.err, "keelway[postgres]" in said.err) == (2, True, True)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_control_plane_on_postgresql_from_its_start_to_its_end(tmp_path, postgres_url):
    shop = Shop.build(tmp_path)
    path = shop.root / "keelway.toml"
    path.write_text(path.read_text() + f'[store]\nurl = "{postgres_url}"\n')
    shop.commit()
    try:
        up = shop("up", "--detach", "--json")
        assert up.code == 0, up.err
        asked = shop("ask", "Add the number two", "--json")
        assert asked.code == 0, words_of(asked)
        subprocess.run(["kill", "-9", str(json.loads(up.out)["pid"])], check=True)
        assert [task["name"] for task in json.loads(shop("tasks", "--json").out)] == ["T-1"]
        again = shop("up", "--detach", "--json")
        assert again.code == 0, again.err
        for words in (("audit", "--verify"), ("db", "check"), ("db", "vacuum"), ("db", "backup")):
            said = shop(*words)
            assert said.code == 0, words_of(said)
        status = json.loads(shop("status", "--json").out)
        assert [place["healthy"] for place in status["environments"]] == [True, True]
        assert not (shop.home / "keelway.sqlite").exists()
    finally:
        shop("down", "--yes")
