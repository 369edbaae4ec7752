"""The migration commands of a release reach a copy of the data, and only the copy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.process_rig import ProcessRig, project_of
from tests.conformance.git_rig import git

from keelway.adapters.backup.sqlite import SqliteBackup
from keelway.adapters.target.process.on_copy import CopySite
from keelway.core.migration.dry_run import Beside
from keelway.core.model.project import EnvironmentSpec
from keelway.testing.fakes.vault import FakeVault


@pytest.fixture
def rig(tmp_path: Path) -> ProcessRig:
    from tests.adapters.target.process_rig import FILES

    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "-q", "-b", "main")
    for name, text in FILES.items():
        (origin / name).write_text(text)
    return ProcessRig(tmp_path, project_of((8001, 8002)), FakeVault())


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.parametrize("trait", ["", "oneway"])
def test_a_release_is_tried_on_a_copy_of_another_environment(rig: ProcessRig, trait: str) -> None:
    release = rig.built(*([trait] if trait else []), schema=3)
    rig.target.build("staging", git(rig.origin, "rev-parse", "HEAD"), release)
    live = {name: rig.home / f"data/{name}/app.sqlite" for name in ("staging", "production")}
    for path in live.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE ships (id INTEGER PRIMARY KEY)")
    with closing(sqlite3.connect(live["staging"])) as db, db:
        db.execute("PRAGMA user_version = 3")
    store = SqliteBackup(rig.project, str(rig.home))
    backup = store.take("production", key="one")
    assert backup is not None
    run = store.rehearse(backup, Beside("staging", release, 3), rig.target.on_copy, key="try")
    assert (run.wrong, run.before, run.after) == ("", 0, 3)
    if trait:
        assert "cannot go down" in run.lost[0]
    else:
        assert run.down_proven, run
    assert {name: version(path) for name, path in live.items()} == {"staging": 3, "production": 0}
    assert list((rig.home / "scratch").iterdir()) == []


def test_addresses_and_folders_are_replaced_whole(rig: ProcessRig, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.env"
    secrets.write_text("URL=postgresql://me:pw@db/app\n")
    secrets.chmod(0o600)

    class Vault(FakeVault):
        def reference(self, name: str) -> str:
            return f"file:{secrets}#{name}"

    env = {"DB": "{data}/app.sqlite", "NEAR": "{data}-other/x", "TEXT": "see postgresql://me:pw@db/app"}
    spec = EnvironmentSpec("production", 8001, env, {"DATABASE_URL": "URL"})
    rig.project = replace(rig.project, environments=(spec,))
    rig.vault = Vault()
    site = rig.target._site
    data = str(site.places.data("production"))
    instead = {data: "/scratch", "postgresql://me:pw@db/app": "postgresql://me:pw@db/copy"}
    given = {name: getattr(site, name) for name in site.__dataclass_fields__}
    variables = CopySite(**given, instead=instead).variables("production", "r-1")
    assert variables["DB"] == "/scratch/app.sqlite"
    assert variables["DATABASE_URL"] == "postgresql://me:pw@db/copy"
    assert variables["NEAR"] == f"{data}-other/x"
    assert variables["TEXT"] == env["TEXT"]
