"""Nothing git-like that an agent leaves behind is ever executed or believed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.git_rig import GitRig, git, make_rig

from keelway.clients.shell import Command, run
from keelway.ports.sandbox import Workspace

HOOKS = (
    *("applypatch-msg", "pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase"),
    *("post-checkout", "post-merge", "pre-push", "pre-receive", "update", "post-receive", "post-update"),
    *("reference-transaction", "pre-auto-gc", "post-rewrite", "post-index-change", "fsmonitor-watchman"),
)

Plant = Callable[[Path, str], None]


def _config(text: str) -> Plant:
    def plant(workspace: Path, evil: str) -> None:
        with (workspace / ".git" / "config").open("a") as file:
            file.write(text.replace("EVIL", evil))

    return plant


def _with_attributes(attributes: str, config: str = "") -> Plant:
    def plant(workspace: Path, evil: str) -> None:
        (workspace / ".gitattributes").write_text(attributes)
        (workspace / ".git" / "info" / "attributes").unlink()
        _config(config)(workspace, evil)

    return plant


def _hooks(workspace: Path, evil: str) -> None:
    (workspace / ".git" / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(evil, workspace / ".git" / "hooks" / name)


def _hooks_path(workspace: Path, evil: str) -> None:
    (workspace / "myhooks").mkdir()
    for name in HOOKS:
        shutil.copy(evil, workspace / "myhooks" / name)
    _config(f"[core]\n\thooksPath = {workspace}/myhooks\n")(workspace, evil)


def _included(condition: str) -> Plant:
    def plant(workspace: Path, evil: str) -> None:
        (workspace / "included").write_text(f"[core]\n\tfsmonitor = {evil}\n")
        _config(f"[{condition}]\n\tpath = {workspace}/included\n")(workspace, evil)

    return plant


def _elsewhere(workspace: Path, evil: str) -> Path:
    other = workspace.parent.parent / "elsewhere.git"
    shutil.move(workspace / ".git", other)
    with (other / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {evil}\n\tworktree = {workspace.parent.parent}\n")
    return other


def _gitfile(workspace: Path, evil: str) -> None:
    (workspace / ".git").write_text(f"gitdir: {_elsewhere(workspace, evil)}\n")


def _gitlink(workspace: Path, evil: str) -> None:
    (workspace / ".git").symlink_to(_elsewhere(workspace, evil))


def _commondir(workspace: Path, evil: str) -> None:
    other = workspace.parent.parent / "common.git"
    shutil.copytree(workspace / ".git", other)
    with (other / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = {evil}\n")
    (workspace / ".git" / "commondir").write_text(f"{other}\n")


def _info_attributes(workspace: Path, evil: str) -> None:
    (workspace / ".git" / "info").mkdir(exist_ok=True)
    (workspace / ".git" / "info" / "attributes").write_text("* filter=x\n")
    _config('[filter "x"]\n\tclean = EVIL\n\tsmudge = EVIL\n\trequired = true\n')(workspace, evil)


def _gone(workspace: Path, evil: str) -> None:
    shutil.rmtree(workspace / ".git")


def _alternates(workspace: Path, evil: str) -> None:
    (workspace / ".git" / "objects" / "info" / "alternates").write_text("/nowhere\n!command\n")


def _broken_index(workspace: Path, evil: str) -> None:
    (workspace / ".git" / "index").write_bytes(b"DIRC garbage")
    (workspace / ".git" / "HEAD").write_text("ref: ../../../../etc/passwd\n")


FILTER = '[filter "x"]\n\tclean = EVIL\n\tsmudge = EVIL\n\tprocess = EVIL\n\trequired = true\n'
VECTORS: dict[str, Plant] = {
    "fsmonitor": _config("[core]\n\tfsmonitor = EVIL\n"),
    "hooks": _hooks,
    "hooks path": _hooks_path,
    "filter": _with_attributes("* filter=x\n", FILTER),
    "filter in info": _info_attributes,
    "textconv": _with_attributes("* diff=x\n", '[diff "x"]\n\ttextconv = EVIL\n\tcommand = EVIL\n'),
    "external diff": _config("[diff]\n\texternal = EVIL\n"),
    "merge driver": _with_attributes("* merge=x\n", '[merge "x"]\n\tdriver = EVIL\n[merge]\n\tdefault = x\n'),
    "include": _included("include"),
    "include if": _included('includeIf "gitdir:/"'),
    "pager and editors": _config("[core]\n\tpager = EVIL\n\teditor = EVIL\n\taskPass = EVIL\n"),
    "ssh and proxy": _config(
        "[core]\n\tsshCommand = EVIL\n\tgitProxy = EVIL\n[credential]\n\thelper = EVIL\n"
    ),
    "ext remote": _config('[remote "origin"]\n\turl = ext::EVIL\n[url "ext::EVIL"]\n\tinsteadOf = /\n'),
    "gpg": _config("[gpg]\n\tprogram = EVIL\n[commit]\n\tgpgSign = true\n"),
    "pack objects hook": _config("[uploadpack]\n\tpackObjectsHook = EVIL\n"),
    "alternate refs": _config("[core]\n\talternateRefsCommand = EVIL\n"),
    "work tree elsewhere": _config("[core]\n\tworktree = /tmp\n\tbare = true\n"),
    "gitfile": _gitfile,
    "git symlink": _gitlink,
    "common dir": _commondir,
    "alternates": _alternates,
    "broken": _broken_index,
    "no git at all": _gone,
    "encoding": _with_attributes("*.py working-tree-encoding=UTF-16\n"),
    "line ends": _with_attributes("* text eol=crlf\n"),
    "ident": _with_attributes("* ident\n"),
    "macro": _with_attributes("[attr]evil filter=x text eol=crlf\n* evil\n", FILTER),
}


@pytest.fixture
def rig(tmp_path: Path) -> GitRig:
    return make_rig(tmp_path)


@pytest.fixture
def workspace(rig: GitRig) -> Workspace:
    return rig.sandbox.open("T-1", rig.forge.head("develop"), "feature/one")


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "fired"


@pytest.fixture
def evil(tmp_path: Path, marker: Path) -> str:
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\necho fired >> {marker}\nexec cat\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize(
    "name", ["fsmonitor", "filter", "hooks", "include", "gitfile", "filter in info", "macro"]
)
def test_the_trap_would_fire_for_an_ordinary_git(
    name: str, workspace: Workspace, evil: str, marker: Path
) -> None:
    folder = Path(workspace.path)
    VECTORS[name](folder, evil)
    (folder / "app.py").write_text("changed = 1\n")
    command = ("git", "add", "-A") if name != "gitfile" else ("git", "status")
    run(Command(command, workspace.path, {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, 20))
    assert marker.exists(), "else the test below proves nothing"


@pytest.mark.parametrize("name", VECTORS)
def test_no_vector_fires_and_the_bytes_are_the_files(
    name: str, rig: GitRig, workspace: Workspace, evil: str, marker: Path
) -> None:
    folder = Path(workspace.path)
    VECTORS[name](folder, evil)
    content = b"one = 1\r\ntwo = '$Id$'\n\xff\xfe\n"
    (folder / "app.py").write_bytes(content)
    done = rig.sandbox.collect(workspace, workspace.base_sha, "feat: x", "feature/one")
    assert rig.git.read(done.head_sha, "app.py", 1000) == content
    pull = rig.forge.diff(done.base_sha, done.head_sha)
    assert "app.py" in pull.paths
    rig.forge.patch(done.base_sha, done.head_sha)
    rig.forge.rebase(done.head_sha, done.base_sha, "feat: x", "feature/one")
    fresh = rig.sandbox.reset("T-1", done.head_sha, done.base_sha)
    assert (Path(fresh.path) / "app.py").read_bytes() == content
    exported = rig.root / "exported"
    rig.git.export(done.head_sha, str(exported))
    assert (exported / "app.py").read_bytes() == content
    rig.sandbox.close("T-1")
    assert not marker.exists()
    assert git(rig.bare, "fsck", "--strict", "--no-dangling") == ""


def test_an_agent_sees_one_branch_and_no_future(rig: GitRig, workspace: Workspace) -> None:
    other = rig.patch("feature/other", workspace.base_sha, {"secret.py": "1\n"})
    rig.forge.tag("v1", other, "m", key="t")
    fresh = rig.sandbox.open("T-2", workspace.base_sha, "feature/two")
    folder = Path(fresh.path)
    assert git(folder, "for-each-ref", "--format=%(refname)") == "refs/heads/feature/two"
    assert git(folder, "rev-list", "--all") == workspace.base_sha
    assert git(folder, "remote") == ""
    assert git(folder, "reflog", "--all") == ""
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "rev-parse", "--abbrev-ref", "HEAD") == "feature/two"


def test_an_agent_may_commit_and_we_take_the_files(rig: GitRig, workspace: Workspace) -> None:
    folder = Path(workspace.path)
    (folder / "a.py").write_text("1\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "mine\n\nRequested-by: owner")
    git(folder, "checkout", "-q", "-b", "elsewhere")
    (folder / "b.py").write_text("2\n")
    done = rig.sandbox.collect(workspace, workspace.base_sha, "ours", "feature/one")
    commit = rig.git.commit(done.head_sha)
    assert commit.parents == (workspace.base_sha,)
    assert commit.message.strip() == "ours"
    assert rig.forge.diff(done.base_sha, done.head_sha).paths == {"a.py", "b.py"}
