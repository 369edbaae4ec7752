"""What may not get in is refused with its path; what gets in is always the same commit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.git_rig import GitRig, again, git, make_rig

from keelway.adapters.sandbox.private_clone import PrivateClone
from keelway.clients.git.importing import ImportBounds
from keelway.core.errors import OurFault, TheirFault
from keelway.ports.sandbox import Workspace


@pytest.fixture
def rig(tmp_path: Path) -> GitRig:
    return make_rig(tmp_path)


@pytest.fixture
def workspace(rig: GitRig) -> Workspace:
    return rig.sandbox.open("T-1", rig.forge.head("develop"), "feature/one")


def _collect(rig: GitRig, workspace: Workspace) -> str:
    return rig.sandbox.collect(workspace, workspace.base_sha, "m", "feature/one").head_sha


def _nested(folder: Path) -> None:
    (folder / "sub").mkdir()
    git(folder / "sub", "init", "-q")
    (folder / "sub" / "x").write_text("x")
    git(folder / "sub", "add", "-A")
    git(folder / "sub", "commit", "-q", "-m", "x")


def _empty_nested(folder: Path) -> None:
    (folder / "sub").mkdir()
    git(folder / "sub", "init", "-q")


def _fake_nested(folder: Path) -> None:
    (folder / "deep" / "sub").mkdir(parents=True)
    (folder / "deep" / "sub" / ".git").write_text("gitdir: /etc\n")
    (folder / "deep" / "sub" / "x").write_text("x")


def _gitlink(folder: Path) -> None:
    _nested(folder)
    git(folder, "add", "-A")


def _link(target: str, name: str = "link") -> Callable[[Path], None]:
    return lambda folder: (folder / name).symlink_to(target)


def _link_over_link(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "x").write_text("x")
    (folder / "here").symlink_to("a/b")
    (folder / "out").symlink_to("here/../../../outside")


def _big(folder: Path) -> None:
    with (folder / "big").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)


def _pipe(folder: Path) -> None:
    (folder / "app.py").unlink()
    os.mkfifo(folder / "app.py")


def _name(name: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")

    return make


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "repository inside": (_nested, "sub"),
    "empty repository inside": (_empty_nested, "sub"),
    "git file inside": (_fake_nested, "deep/sub/.git"),
    "gitlink staged by the agent": (_gitlink, "sub"),
    "submodules": (lambda folder: (folder / ".gitmodules").write_text('[submodule "x"]\n'), ".gitmodules"),
    "submodules in capitals": (lambda folder: (folder / ".GitModules").write_text("x"), ".GitModules"),
    "absolute link": (_link("/etc/passwd"), "link"),
    "link up and out": (_link("../../secret"), "link"),
    "link into git": (_link(".git/config"), "link"),
    "link out over a link": (_link_over_link, "out"),
    "attributes as a link": (_link("/etc/passwd", ".gitattributes"), ".gitattributes"),
    "big file": (_big, "big"),
    "pipe": (_pipe, "app.py"),
    "git in capitals": (_name(b".GIT/config"), ".GIT/config"),
    "git short name": (_name(b"git~1/config"), "git~1/config"),
    "git with an invisible letter": (_name(".g\u200cit/config".encode()), "it/config"),
    "name that is not text": (_name(b"\xff\xfe.txt"), "xff"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_path_and_nothing_moves(name: str, rig: GitRig, workspace: Workspace) -> None:
    plant, shown = REFUSED[name]
    plant(Path(workspace.path))
    with pytest.raises(TheirFault) as fault:
        _collect(rig, workspace)
    assert fault.value.code == "import_refused"
    assert shown in fault.value.message
    assert rig.git.refs("refs/heads/feature/") == {}
    assert rig.git.refs("refs/keelway/tasks/") == {}


def test_links_that_stay_inside_get_in(rig: GitRig, workspace: Workspace) -> None:
    folder = Path(workspace.path)
    (folder / "docs" / "up").symlink_to("../app.py")
    (folder / "dangling").symlink_to("not/yet")
    head = _collect(rig, workspace)
    modes = {entry.path: entry.mode for entry in rig.git.ls_tree(head)}
    assert modes["docs/up"] == modes["dangling"] == "120000"
    assert rig.forge.read(head, "docs/up") == "../app.py"


def test_link_in_place_of_a_folder_does_not_let_outside_files_in(rig: GitRig, workspace: Workspace) -> None:
    outside = rig.root / "outside"
    outside.mkdir()
    (outside / "page.md").write_text("secret")
    folder = Path(workspace.path)
    (folder / "docs" / "page.md").unlink()
    (folder / "docs").rmdir()
    (folder / "docs").symlink_to(outside)
    with pytest.raises(TheirFault) as fault:
        _collect(rig, workspace)
    assert fault.value.code == "import_refused"


def test_ignored_files_stay_out_even_with_repositories_in_them(rig: GitRig, workspace: Workspace) -> None:
    folder = Path(workspace.path)
    (folder / ".gitignore").write_text("deps/\n*.log\n")
    (folder / "deps").mkdir()
    _nested(folder / "deps")
    _big(folder / "deps")
    (folder / "x.log").write_text("x")
    head = _collect(rig, workspace)
    assert rig.forge.diff(workspace.base_sha, head).paths == {".gitignore"}


def test_count_bound(rig: GitRig) -> None:
    small = PrivateClone(str(rig.bare), str(rig.root / "small"), bounds=ImportBounds(files_max=5))
    workspace = small.open("T-1", rig.forge.head("develop"), "feature/one")
    for index in range(3):
        (Path(workspace.path) / f"{index}").write_text("x")
    with pytest.raises(TheirFault) as fault:
        small.collect(workspace, workspace.base_sha, "m", "feature/one")
    assert "6 files" in fault.value.message


def test_executable_bit_and_binary_survive(rig: GitRig, workspace: Workspace) -> None:
    script = Path(workspace.path) / "run.sh"
    script.write_bytes(bytes(range(256)))
    script.chmod(0o755)
    diff = rig.forge.diff(workspace.base_sha, _collect(rig, workspace))
    (delta,) = diff.files
    assert (delta.path, delta.new_mode, delta.binary) == ("run.sh", "100755", True)


def test_same_files_give_the_same_commit_in_another_process(rig: GitRig, workspace: Workspace) -> None:
    path = Path(workspace.path) / "new.py"
    path.write_text("1\n")
    os.utime(path, (1_900_000_000, 1_900_000_000))
    first = _collect(rig, workspace)
    assert rig.git.commit(first).at <= time.time()
    os.utime(path, (1_750_000_000, 1_750_000_000))
    second = _collect(rig, workspace)
    third = _collect(again(rig.root, rig.book), workspace)
    assert second == third
    assert rig.git.commit(second).at == max(1_750_000_000, rig.git.commit(workspace.base_sha).at)


def test_collect_on_a_newer_base_keeps_the_files_of_the_workspace(rig: GitRig, workspace: Workspace) -> None:
    (Path(workspace.path) / "new.py").write_text("1\n")
    newer = rig.patch("feature/other", workspace.base_sha, {"other.py": "1\n"})
    done = rig.sandbox.collect(workspace, newer, "m", "feature/one")
    assert done.base_sha == newer
    assert rig.forge.files(done.head_sha) == ("README.md", "app.py", "docs/page.md", "new.py")


def test_half_made_workspace_is_made_again(rig: GitRig) -> None:
    base = rig.forge.head("develop")
    half = rig.root / "workspaces" / "T-9"
    half.mkdir(parents=True)
    (half / "left over").write_text("x")
    (rig.root / "workspaces" / "T-9.git").mkdir()
    workspace = rig.sandbox.open("T-9", base, "feature/nine")
    assert sorted(path.name for path in Path(workspace.path).iterdir()) == [
        ".git",
        "README.md",
        "app.py",
        "docs",
    ]


def test_close_follows_no_link(rig: GitRig, workspace: Workspace) -> None:
    outside = rig.root / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (Path(workspace.path) / "link").symlink_to(outside)
    rig.sandbox.close("T-1")
    assert (outside / "kept").exists()
    assert list((rig.root / "workspaces").iterdir()) == []


@pytest.mark.parametrize("task", ["", "..", "a/b", "../x", ".hidden", "x.git", "x.json", "a" * 101])
def test_task_names_cannot_leave_the_root(rig: GitRig, task: str) -> None:
    for act in (lambda: rig.sandbox.open(task, "HEAD", "b"), lambda: rig.sandbox.close(task)):
        with pytest.raises(OurFault) as fault:
            act()
        assert fault.value.code == "bad_task_name"
