"""Commits are handed to a platform; what is live is asked, and a failed build leaves the old version alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.target.platform_rig import ASK, PYTHON, PlatformRig, platform_rig
from tests.conformance.git_rig import git

from keelway.core.errors import TheirFault, YourFault
from keelway.core.release.version import release_name

pytestmark = pytest.mark.deploys


@pytest.fixture(params=["commands", "github"])
def rig(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PlatformRig]:
    with platform_rig(tmp_path, github=request.param == "github") as made:
        yield made


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[PlatformRig]:
    with platform_rig(tmp_path) as made:
        yield made


def failing(code: str, act: object) -> str:
    assert callable(act)
    with pytest.raises(TheirFault) as caught:
        act()
    assert caught.value.code == code, caught.value
    return caught.value.message


def test_a_build_that_fails_leaves_the_old_version_live_and_is_not_taken_back(rig: PlatformRig) -> None:
    old, bad = rig.live(), rig.built("unbuildable")
    failing("platform_failed", lambda: rig.target.switch("production", {bad: 100}, epoch=1))
    state = rig.target.state("production")
    assert (state.active, state.healthy, rig.answering()) == (old, True, old)
    count = len(rig.platform.deployments)
    rig.target.switch("production", {old: 100}, epoch=2)
    assert len(rig.platform.deployments) == count, "what is live already is not handed over again"


def test_the_way_back_pushes_the_old_commit(rig: PlatformRig) -> None:
    old, new = rig.live(), rig.live()
    assert rig.answering() == new
    rig.target.switch("production", {old: 100}, epoch=2)
    assert rig.answering() == old
    assert rig.target.state("production").active == old


def test_a_version_that_was_live_before_us_is_the_way_back_of_the_first_deployment(rig: PlatformRig) -> None:
    sha = rig.commit()
    git(rig.origin, "push", "-q", str(rig.root / "pushed"), f"{sha}:refs/heads/production")
    while not rig.answering():
        pass
    first = release_name(sha)
    state = rig.target.state("production")
    assert (state.active, state.healthy, state.releases[0].sha) == (first, True, sha)
    second = rig.live()
    assert rig.answering() == second
    rig.target.switch("production", {first: 100}, epoch=1)
    assert rig.answering() == first


def test_a_rollback_command_takes_the_place_of_a_build(plain: PlatformRig) -> None:
    url = plain.platform.url
    plain.alter(rollback=(PYTHON, "-c", ASK, f"{url}/back/{{environment}}/{{sha}}"))
    old, new = plain.live(), plain.live()
    count = len(plain.platform.deployments)
    plain.target.switch("production", {old: 100}, epoch=2)
    assert plain.answering() == old != new
    assert [each.id for each in plain.platform.deployments[count:]] == [0]


def test_a_deploy_command_runs_in_a_checkout_of_the_commit(plain: PlatformRig) -> None:
    push = f"git push -q -f {plain.root}/pushed {{sha}}:refs/heads/{{environment}}"
    script = (
        f"test -f number && git --git-dir={plain.origin}/.git push -q -f {plain.root}/pushed $1:refs/heads/$2"
    )
    assert push
    plain.alter(push="", deploy=("sh", "-c", script, "-", "{sha}", "{environment}"))
    release = plain.live()
    assert plain.answering() == release
    plain.alter(deploy=("sh", "-c", "echo no credits; exit 4"))
    bad = plain.built()
    message = failing("platform_failed", lambda: plain.target.switch("production", {bad: 100}, epoch=1))
    assert "no credits" in message
    assert "ended with 4" in message


def test_a_platform_that_takes_too_long_is_not_waited_for(plain: PlatformRig) -> None:
    old, slow = plain.live(), plain.built()
    plain.alter(seconds_max=0.3, push="", deploy=("true",))
    message = failing("platform_slow", lambda: plain.target.switch("production", {slow: 100}, epoch=1))
    assert "the platform said unknown" in message
    assert plain.answering() == old


def test_a_release_that_gets_live_and_is_sick_is_told(rig: PlatformRig) -> None:
    old, sick = rig.live(), rig.built("sick")
    failing("unhealthy", lambda: rig.target.switch("production", {sick: 100}, epoch=1))
    state = rig.target.state("production")
    assert (state.active, state.healthy) == (sick, False)
    rig.target.switch("production", {old: 100}, epoch=1)
    assert rig.answering() == old


def test_what_somebody_else_pushed_is_never_overwritten(plain: PlatformRig) -> None:
    plain.live()
    other = plain.root / "other"
    git(plain.root, "clone", "-q", str(plain.root / "pushed"), str(other), "-b", "production")
    (other / "hotfix").write_text("x")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "a hotfix by hand")
    git(other, "push", "-q", "origin", "production")
    theirs = git(other, "rev-parse", "HEAD")
    new = plain.built()
    message = failing("push_refused", lambda: plain.target.switch("production", {new: 100}, epoch=1))
    assert theirs[:12] in message
    assert git(plain.root / "pushed", "rev-parse", "production") == theirs


def test_a_platform_that_does_not_answer_is_told(rig: PlatformRig) -> None:
    rig.live()
    rig.platform.dead = True
    state = rig.target.state("production")
    assert (state.active, state.healthy, bool(state.detail)) == ("", False, True)


def test_a_live_command_that_names_no_commit_is_not_believed(plain: PlatformRig) -> None:
    plain.live()
    plain.alter(live=("echo", "everything is fine"))
    assert "everything is fine" in plain.target.state("production").detail


def test_the_token_of_the_api_comes_from_the_vault(tmp_path: Path) -> None:
    with platform_rig(tmp_path, github=True) as rig:
        rig.live()
        rig.platform.token = "the-token"
        assert "401" in rig.target.state("production").detail
        secrets = tmp_path / "secrets.env"
        secrets.write_text("GITHUB=the-token\n")
        secrets.chmod(0o600)
        rig.vault.values["GITHUB"] = "the-token"
        rig.vault.reference = lambda name: f"file:{secrets}#{name}"  # type: ignore[method-assign]
        rig.alter(github_token="GITHUB")
        assert rig.target.state("production").healthy


def test_the_schema_is_out_of_reach(plain: PlatformRig) -> None:
    release = plain.built()
    assert plain.target.schema("production", release) is None
    with pytest.raises(YourFault) as caught:
        plain.target.migrate("production", release, None, epoch=1)
    assert caught.value.code == "no_migrations"
