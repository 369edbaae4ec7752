"""Hooks are run from a protected commit, told about the deployment, bounded, and ended with all they started."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.adapters.hook.hook_rig import FOLDER, HookRig

from keelway.core.target.hook import HookSpec
from keelway.ports.hook import HookCall


@pytest.fixture
def rig(tmp_path: Path) -> HookRig:
    return HookRig.make(tmp_path)


def call(name: str, commit: str, seconds_max: float = 20.0, **facts: str) -> HookCall:
    return HookCall(name, commit, seconds_max, facts)


def test_a_hook_is_told_about_the_deployment_and_finds_the_files_beside_it(rig: HookRig) -> None:
    rig.spec = replace(rig.spec, env={"CHANNEL": "#ops"})
    rig.write("lib/say.sh", f'echo "$KEELWAY_RELEASE $CHANNEL $KEELWAY_HOOK $PWD" >{rig.root}/said\n', 0o644)
    commit = rig.write("pre-deploy", "#!/bin/sh\n. ./lib/say.sh\n")
    done = rig.hooks.run(call("pre-deploy", commit, KEELWAY_RELEASE="r-1"))
    assert (done.found, done.wrong) == (True, "")
    release, channel, name, place = (rig.root / "said").read_text().split()
    assert (release, channel, name) == ("r-1", "#ops", "pre-deploy")
    assert not Path(place).exists()


def test_the_commit_that_is_named_counts_and_nothing_newer(rig: HookRig) -> None:
    old = rig.put("pre-deploy", good=True)
    new = rig.put("pre-deploy", good=False)
    assert rig.hooks.run(call("pre-deploy", old)).wrong == ""
    assert rig.hooks.run(call("pre-deploy", new)).wrong != ""
    (rig.root / "origin" / FOLDER / "pre-deploy").write_text("#!/bin/sh\nexit 0\n")
    assert rig.hooks.run(call("pre-deploy", new)).wrong != "", "a work tree is not a commit"


def test_why_it_failed_is_told_without_secrets(rig: HookRig) -> None:
    rig.vault.values["DAY"] = "Friday"
    done = rig.hooks.run(call("pre-deploy", rig.put("pre-deploy", good=False)))
    assert "pre-deploy ended with 7" in done.wrong
    assert "it is [DAY]" in done.wrong


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("#!/bin/sh\nexit 0\n", 0o644, "not an executable file"),
        ("#!/no/such/program\n", 0o755, "could not start"),
        ("no program at all\n", 0o755, "could not start"),
    ],
)
def test_a_hook_that_cannot_run_has_failed(rig: HookRig, text: str, mode: int, said: str) -> None:
    done = rig.hooks.run(call("pre-deploy", rig.write("pre-deploy", text, mode)))
    assert done.found
    assert said in done.wrong


def test_a_link_is_no_hook(rig: HookRig) -> None:
    done = rig.hooks.run(call("pre-deploy", rig.link("pre-deploy", "/bin/true")))
    assert (done.found, "not an executable file" in done.wrong) == (True, True)


def test_a_hanging_hook_that_ignores_signals_and_forks_is_ended_wholly(rig: HookRig) -> None:
    text = "#!/bin/sh\ntrap '' TERM INT HUP\nsetsid sh -c 'sleep 301' &\nwhile :; do yes | head -c 100000; done\n"
    began = time.monotonic()
    done = rig.hooks.run(call("post-deploy", rig.write("post-deploy", text), 1.0))
    assert "took longer than 1 s" in done.wrong
    assert time.monotonic() - began < 15.0
    assert [
        each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "301"]
    ] == []


def test_a_commit_that_is_not_there_is_a_failure_and_not_a_pass(rig: HookRig) -> None:
    rig.put("pre-deploy", good=True)
    done = rig.hooks.run(call("pre-deploy", "e" * 40))
    assert (done.found, bool(done.wrong)) == (True, True)


def test_too_many_files_are_refused(rig: HookRig) -> None:
    for number in range(201):
        (rig.root / "origin" / FOLDER / f"file{number}").write_text("x")
    done = rig.hooks.run(call("pre-deploy", rig.put("pre-deploy", good=True)))
    assert "more than 200 files" in done.wrong


def test_without_a_folder_nothing_is_run(rig: HookRig) -> None:
    commit = rig.put("pre-deploy", good=False)
    rig.spec = HookSpec()
    assert not rig.hooks.run(call("pre-deploy", commit)).found


def test_a_hook_gets_its_own_secrets_only(rig: HookRig) -> None:
    secrets = rig.root / "secrets.env"
    secrets.write_text("PAGER=the-key\nOTHER=another\n")
    secrets.chmod(0o600)
    rig.vault.reference = lambda name: f"file:{secrets}#{name}"  # type: ignore[method-assign]
    rig.spec = replace(rig.spec, secrets={"PAGER_KEY": "PAGER"})
    commit = rig.write("pre-deploy", f"#!/bin/sh\nenv >{rig.root}/env\n")
    assert rig.hooks.run(call("pre-deploy", commit)).wrong == ""
    said = (rig.root / "env").read_text()
    assert "PAGER_KEY=the-key" in said
    assert "another" not in said
