"""Releases are complete or not there, and schemas are read or said to be unreadable."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.target.process_rig import PYTHON, ProcessRig, process_rig

from keelway.clients.release.schema import version_in
from keelway.core.errors import TheirFault
from keelway.core.release.version import release_name


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ProcessRig]:
    with process_rig(tmp_path) as made:
        yield made


def test_a_failed_build_leaves_no_file(rig: ProcessRig) -> None:
    sha = rig.commit("broken")
    with pytest.raises(TheirFault, match="no such package"):
        rig.target.build("production", sha, release_name(sha))
    assert list((rig.home / "releases/production").iterdir()) == []
    rig.project = replace(
        rig.project, setup=(PYTHON, "-c", "import time; time.sleep(9)"), setup_seconds_max=0.2
    )
    with pytest.raises(TheirFault, match=r"longer than 0\.2 s"):
        rig.target.build("production", sha, release_name(sha))
    rig.project = replace(rig.project, setup=("no-such-program",))
    with pytest.raises(TheirFault, match="did not start"):
        rig.target.build("production", sha, release_name(sha))
    assert list((rig.home / "releases/production").iterdir()) == []


def test_half_a_release_is_built_again(rig: ProcessRig) -> None:
    sha = rig.commit()
    half = rig.home / "releases/production" / release_name(sha)
    (half / "tree").mkdir(parents=True)
    (half / "tree" / "left").write_text("by a crash")
    assert rig.target.state("production").releases == ()
    rig.target.build("production", sha, release_name(sha))
    assert not (half / "tree" / "left").exists()
    assert stat.S_IMODE((half / "tree" / "web.py").stat().st_mode) & 0o222 == 0
    assert (half / "tree" / "made").exists()


def test_a_disk_that_does_not_take_it_is_said(rig: ProcessRig) -> None:
    sha = rig.commit()
    (rig.home / "releases").write_text("in the way")
    with pytest.raises(TheirFault) as caught:
        rig.target.build("production", sha, release_name(sha))
    assert caught.value.code == "disk_failed"
    assert "Not a directory" in caught.value.message


def test_a_release_name_belongs_to_one_commit(rig: ProcessRig) -> None:
    release = rig.built()
    with pytest.raises(TheirFault) as caught:
        rig.target.build("production", rig.commit(), release)
    assert caught.value.code == "release_taken"


def test_an_unreadable_schema_is_said_and_no_exception(rig: ProcessRig) -> None:
    rig.live()
    status = replace(rig.project.migrate, status=(PYTHON, "-c", "print('many')"))
    rig.project = replace(rig.project, migrate=status)
    state = rig.target.state("production")
    assert (state.schema, state.healthy) == (None, False)
    assert "printed no schema version" in state.detail


@pytest.mark.parametrize(
    ("said", "found"),
    [("3\n", 3), ('{"version": 4, "latest": 5}', 4), ("", None), ("true", None), ("[1]", None), ("v3", None)],
)
def test_schema_versions_are_read(said: str, found: int | None) -> None:
    assert version_in(said) == found


def test_without_migrations_there_is_no_schema(rig: ProcessRig) -> None:
    release = rig.built()
    rig.project = replace(rig.project, migrate=type(rig.project.migrate)())
    assert rig.target.schema("production", release) is None
    with pytest.raises(Exception, match="no migration command") as caught:
        rig.target.migrate("production", release, None, epoch=1)
    assert getattr(caught.value, "code", "") == "no_migrations"


def test_a_migration_that_never_ends_is_ended(rig: ProcessRig) -> None:
    release = rig.built()
    up = (PYTHON, "-c", "import time; time.sleep(9)")
    rig.project = replace(rig.project, migrate=replace(rig.project.migrate, up=up, seconds_max=0.3))
    with pytest.raises(TheirFault, match="timed out") as caught:
        rig.target.migrate("production", release, None, epoch=1)
    assert caught.value.code == "migration_failed"
    assert "the schema is at version" in caught.value.message
