"""Which stores a configuration gets, what the doctor says of them, and where addresses come from."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.process_rig import project_of
from tests.cli.rig import CONFIG

from keelway.app.config import Config, load_config
from keelway.app.data.choose import make_backup
from keelway.app.doctor.check import FAIL, OK
from keelway.app.doctor.data.look import check_data
from keelway.app.home import Home
from keelway.clients.backup.address import address_of
from keelway.clients.places import Places
from keelway.core.errors import YourFault
from keelway.core.model.project import DataSpec, EnvironmentSpec
from keelway.testing.fakes.vault import FakeVault

PROJECT = project_of((8001, 8002))


def test_an_address_is_taken_from_where_the_processes_have_it(tmp_path):
    env = {"URL": "postgresql://h/app_{environment}"}
    spec = EnvironmentSpec("production", 8001, env, {"SECRET_URL": "DB"})
    project = replace(PROJECT, environments=(spec,))
    places, secrets = Places(tmp_path), {"DB": "postgresql://u:pw@h/app"}

    def found(text: str, environment: str = "production") -> str:
        return address_of(text, project, environment, places, secrets.__getitem__)

    assert found("env:URL") == "postgresql://h/app_production"
    assert found("env:SECRET_URL") == "postgresql://u:pw@h/app"
    assert found("postgresql://h/x_{environment}") == "postgresql://h/x_production"
    for name, environment in (("env:NONE", "production"), ("env:URL", "staging")):
        with pytest.raises(YourFault) as caught:
            found(name, environment)
        assert caught.value.code == "no_address"


@pytest.fixture
def configured(tmp_path):
    def make(**data: object) -> tuple[Config, Home]:
        path = tmp_path / "keelway.toml"
        path.write_text(CONFIG)
        config = load_config(path)
        home = Home(tmp_path / "home")
        home.root.mkdir(exist_ok=True)
        return replace(config, project=replace(config.project, sqlite="", data=DataSpec(**data))), home

    return make


def test_the_doctor_looks_at_every_kind(configured, tmp_path):
    config, home = configured(files=("{data}/uploads",), encrypt="AGE")
    config = replace(config, project=replace(config.project, sqlite="{data}/app.sqlite"))
    folder = home.root / "data/production"
    (folder / "uploads").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "app.sqlite")) as db:
        db.execute("CREATE TABLE ships (id INTEGER)")
    checks = {check.name: check for check in check_data(config, home)}
    assert checks["sqlite of staging"].sentence.endswith("is not there yet.")
    assert checks["sqlite of production"].state == OK
    assert "can be backed up" in checks["files of production"].sentence
    assert checks["encryption of backups"].state == FAIL
    assert "secrets.env" in checks["encryption of backups"].next


def test_the_doctor_names_what_is_missing(configured):
    config, home = configured(postgres="postgresql://127.0.0.1:1/app", mysql="env:NOWHERE")
    checks = check_data(config, home)
    assert [check.state for check in checks] == [FAIL, FAIL]
    assert "NOWHERE" in checks[0].sentence
    config, home = configured(postgres="postgresql://127.0.0.1:1/app")
    checks = check_data(config, home)
    assert all(check.state == FAIL and "CREATEDB" in check.next for check in checks)


def test_what_data_says_makes_one_store(tmp_path):
    project = replace(PROJECT, data=DataSpec(files=("{data}/uploads",)))
    (tmp_path / "data/production/uploads").mkdir(parents=True)
    with closing(sqlite3.connect(tmp_path / "data/production/app.sqlite")) as db:
        db.execute("CREATE TABLE ships (id INTEGER)")
    backup = make_backup(project, str(tmp_path), FakeVault()).take("production", key="one")
    assert backup is not None
    assert [part.kind for part in backup.parts] == ["sqlite", "files"]
    assert (
        make_backup(replace(PROJECT, sqlite=""), str(tmp_path), FakeVault()).take("production", key="x")
        is None
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('postgres = "postgresql://me:secret@h/x"', "data.postgres holds a password"),
        ('postgres = "host=h password=secret dbname=x"', "data.postgres holds a password"),
        ('mysql = "mysql://me:secret@h/x"', "data.mysql holds a password"),
        ('files = ["{data}/a", "{data}/a/b"]', "inside '{data}/a/'"),
        ('files = ["{data}/a", "{data}/a/"]', "is there twice"),
    ],
)
def test_what_could_not_work_or_would_tell_a_secret_is_refused(tmp_path: Path, data: str, said: str):
    path = tmp_path / "keelway.toml"
    path.write_text(
        CONFIG.replace("[data]", f"[data]\n{data}") if "[data]" in CONFIG else f"{CONFIG}\n[data]\n{data}\n"
    )
    with pytest.raises(YourFault) as caught:
        load_config(path)
    assert said in caught.value.message
