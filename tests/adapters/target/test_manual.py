"""Artefacts are handed to an operator with their checksums; the word that a release is live is checked."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.target.manual_rig import BUILD, PYTHON, ManualRig, manual_rig
from tests.conformance.git_rig import git

from keelway.core.errors import KeelwayError, StaleEpoch, TheirFault, YourFault
from keelway.core.release.version import release_name


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[ManualRig]:
    with manual_rig(tmp_path) as made:
        yield made


def failing(code: str, act: object, kind: type[KeelwayError] = TheirFault) -> str:
    assert callable(act)
    with pytest.raises(kind) as caught:
        act()
    assert caught.value.code == code, caught.value
    return caught.value.message


def brought(rig: ManualRig, release: str) -> None:
    rig.unpack(release)
    rig.target.confirm("production", release)


def test_the_artefacts_carry_their_checksums_and_what_they_are(rig: ManualRig) -> None:
    release = rig.built()
    folder = rig.target.folder("production", release)
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=folder, check=False, timeout=20).returncode == 0
    about = json.loads((folder / "release.json").read_text())
    sha = git(rig.origin, "rev-parse", "HEAD")
    assert (about["release"], about["sha"], about["files"]) == (release, sha, [f"{release}.tar.gz"])
    state = rig.target.state("production").releases[0]
    assert (state.state, state.url) == ("built", f"file://{folder}")


def test_a_build_command_makes_the_artefacts_that_patterns_name(rig: ManualRig) -> None:
    rig.alter(build=(PYTHON, "-c", BUILD), artefacts=("dist/*",))
    release = rig.built()
    folder = rig.target.folder("production", release)
    assert (folder / "app.txt").read_text() == "0"
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "app.txt", "release.json"]
    rig.alter(artefacts=("nothing/*",))
    assert "0 files" in failing("build_failed", rig.built)
    rig.alter(artefacts=("dist/*",))
    assert "does not compile" in failing("build_failed", lambda: rig.built("fails"))
    assert [entry.release for entry in rig.target.state("production").releases] == [release]


def test_nothing_is_live_until_an_operator_says_so(rig: ManualRig) -> None:
    release = rig.built()
    switch = rig.target.switch
    message = failing("operator_awaited", lambda: switch("production", {release: 100}, epoch=1))
    assert release in message
    assert rig.target.state("production").active == ""
    brought(rig, release)
    switch("production", {release: 100}, epoch=1)
    state = rig.target.state("production")
    assert (state.active, state.healthy, rig.answering()) == (release, True, release)


def test_forth_and_back_by_hand(rig: ManualRig) -> None:
    old, new = rig.built(), rig.built()
    for release in (old, new, old):
        brought(rig, release)
        rig.target.switch("production", {release: 100}, epoch=1)
        assert rig.answering() == rig.target.state("production").active == release
    failing("still_routed", lambda: rig.target.retire("production", old, epoch=1))
    rig.target.retire("production", new, epoch=1)
    states = {entry.release: entry.state for entry in rig.target.state("production").releases}
    assert states == {old: "running", new: "stopped"}


def test_a_refusal_is_kept_until_the_release_is_built_again(rig: ManualRig) -> None:
    sha = rig.commit()
    release = release_name(sha)
    rig.target.build("production", sha, release)
    rig.target.confirm("production", release, "no space left")
    state = rig.target.state("production")
    assert (state.active, state.releases[0].state, "no space left" in state.detail) == ("", "degraded", True)
    rig.target.build("production", sha, release)
    assert rig.target.state("production").releases[0].state == "built"


def test_a_word_is_checked_where_the_application_can_be_asked(rig: ManualRig) -> None:
    one, two = rig.built(), rig.built()
    heads = rig.root / "head"
    rig.alter(live=("cat", str(heads)))
    heads.write_text(git(rig.origin, "rev-parse", "HEAD~1"))
    message = failing("not_live", lambda: rig.target.confirm("production", two), YourFault)
    assert two in message
    rig.unpack(one)
    rig.target.confirm("production", one)
    assert rig.target.state("production").active == one
    heads.write_text(git(rig.origin, "rev-parse", "HEAD"))
    assert rig.target.state("production").active == two, "what is live is asked, not remembered"
    heads.unlink()
    failing("live_unknown", lambda: rig.target.confirm("production", one))
    state = rig.target.state("production")
    assert (state.active, state.healthy, bool(state.detail)) == ("", False, True)


def test_what_was_live_before_us_gets_artefacts_too(rig: ManualRig) -> None:
    sha = rig.commit()
    (rig.root / "head").write_text(sha)
    rig.alter(live=("cat", str(rig.root / "head")))
    new, old = rig.built(), release_name(sha)
    rig.target.start("production", old, epoch=1)
    assert rig.target.folder("production", old).is_dir()
    states = {entry.release: entry.state for entry in rig.target.state("production").releases}
    assert states == {old: "running", new: "built"}


def test_an_application_that_says_nothing_is_live_is_believed(rig: ManualRig) -> None:
    rig.alter(live=("true",))
    rig.built()
    assert rig.target.state("production").active == ""


def test_altered_artefacts_are_not_handed_over(rig: ManualRig) -> None:
    sha = rig.commit()
    release = release_name(sha)
    rig.target.build("production", sha, release)
    archive = rig.target.folder("production", release) / f"{release}.tar.gz"
    archive.write_bytes(b"something else")
    message = failing("artefact_changed", lambda: rig.target.start("production", release, epoch=1))
    assert archive.name in message
    rig.target.build("production", sha, release)
    rig.target.start("production", release, epoch=1)


def test_an_older_holder_and_a_split_are_refused(rig: ManualRig) -> None:
    release = rig.built()
    brought(rig, release)
    target = rig.target
    target.switch("production", {release: 100}, epoch=5)
    failing("stale_epoch", lambda: target.start("production", release, epoch=4), StaleEpoch)
    failing("stale_epoch", lambda: target.switch("production", {release: 100}, epoch=4), StaleEpoch)
    failing("stale_epoch", lambda: target.swap_workers("production", release, epoch=4), StaleEpoch)
    failing("stale_epoch", lambda: target.retire("production", release, epoch=4), StaleEpoch)
    failing("no_weights", lambda: target.switch("production", {}, epoch=5), YourFault)
    failing("no_environment", lambda: target.state("nowhere"), YourFault)
    failing("no_release", lambda: target.confirm("production", "r-nothing"), YourFault)
    failing("no_release", lambda: target.switch("production", {"r-nothing": 100}, epoch=5), YourFault)
    failing("build_failed", lambda: target.build("production", "e" * 40, "r-none"))
    failing("no_migrations", lambda: target.migrate("production", release, None, epoch=5), YourFault)
    assert target.schema("production", release) is None
    assert target.boots("production", release) != ""
    said = target.capabilities("production")
    assert (said.side_by_side, said.weights, said.migrations, said.snapshots) == (False,) * 4


def test_prune_removes_artefacts_that_nobody_needs(rig: ManualRig) -> None:
    one, two, three = rig.built(), rig.built(), rig.built()
    brought(rig, three)
    assert rig.target.prune("production", (one,)) == (two,)
    assert not rig.target.folder("production", two).exists()
    assert {entry.release for entry in rig.target.state("production").releases} == {one, three}
