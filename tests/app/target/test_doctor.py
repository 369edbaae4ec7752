"""The doctor asks every target that runs releases in place what is live there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.adapters.target.git_pull_rig import GitPullRig, git_pull_rig
from tests.app.test_config import SMALL

from keelway.adapters.signal.front import FrontSignal
from keelway.app.config import Config, load_config
from keelway.app.doctor.targets import check_targets
from keelway.app.home import Home


def config_of(rig: GitPullRig, *, host: str = "", data: bool = False) -> Config:
    place = f'use = "git_pull"\ngit_pull = {{ folder = "{rig.clone}", host = "{host}", port = 1 }}\n'
    (rig.root / "keelway.toml").write_text(f"{SMALL}\n[production.target]\n{place}")
    config = load_config(rig.root / "keelway.toml")
    mine = tuple(
        replace(spec, port=rig.sites[spec.name].port) if spec.name == "production" else spec
        for spec in config.project.environments
    )
    probes = rig.project.probes
    sqlite = "{data}/x.sqlite" if data else ""
    return replace(config, project=replace(config.project, environments=mine, probes=probes, sqlite=sqlite))


def told(rig: GitPullRig, **more: object) -> tuple[str, str]:
    checks = check_targets(config_of(rig, **more), Home(rig.root / "home"))  # type: ignore[arg-type]
    assert [check.name for check in checks] == ["target of production"], "processes are none of its business"
    return checks[0].state, checks[0].sentence


def test_an_empty_a_live_an_ill_and_an_unreachable_target_are_told_apart(tmp_path: Path) -> None:
    with git_pull_rig(tmp_path) as rig:
        state, said = told(rig)
        assert (state, "nothing is known to be live" in said) == ("warn", True)
        release = rig.live()
        assert told(rig) == ("ok", f"git_pull: {release} is live and healthy.")
        (rig.clone / "schema").write_text("by hand")
        state, said = told(rig)
        assert (state, "altered by hand" in said) == ("warn", True)
        state, said = told(rig, host="nobody@127.0.0.1")
        assert (state, "cannot be reached" in said) == ("fail", True)


def test_nobody_counts_requests_where_no_front_of_ours_is(tmp_path: Path) -> None:
    with git_pull_rig(tmp_path) as rig:
        signal = FrontSignal(rig.project, str(rig.root / "home"))
        now = datetime.now(UTC)
        assert signal.ticks("production", "", now, now, 1.0) == ()
        assert signal.totals("production") == (0, 0)
