"""A workspace goes on on another host, byte for byte; who lost it cannot bring anything back."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conformance.git_rig import GitRig, make_rig

from keelway.adapters.forge.local import FarForge
from keelway.adapters.sandbox.private_clone import TravellingClone
from keelway.clients.git import Git
from keelway.clients.git.hub import Move, make_hub
from keelway.core.errors import OurFault, TheirFault, YourFault
from keelway.core.model.project import Branches
from keelway.ports.forge import PullDraft

pytestmark = pytest.mark.long

BRANCH = "feature/one"


@dataclass
class Host:
    """Hold what a worker on a host of its own has: a mirror, and workspaces."""

    root: Path
    hub: str
    forge: FarForge
    rooms: TravellingClone

    def write(self, task: str, name: str, data: bytes) -> None:
        path = Path(self.rooms.enter(task)) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture
def rig(tmp_path: Path) -> GitRig:
    made = make_rig(tmp_path)
    make_hub(str(made.bare)).prepare("main")
    return made


@pytest.fixture
def host(rig: GitRig, tmp_path: Path) -> Callable[..., Host]:
    def make(name: str, address: str = "") -> Host:
        root, hub = tmp_path / name, address or str(rig.bare)
        root.mkdir(exist_ok=True)
        mirror = str(root / "mirror.git")
        forge = FarForge(mirror, hub, Branches(), rig.book)
        forge.head("develop")
        return Host(root, hub, forge, TravellingClone(mirror, str(root / "rooms"), hub=hub))

    return make


def files_of(folder: str) -> dict[str, tuple[str, bytes]]:
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] == ".git" or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()).encode())
        else:
            found[name] = (oct(path.stat().st_mode & stat.S_IXUSR), path.read_bytes())
    return found


def test_another_host_goes_on_from_the_last_saved_state_byte_for_byte(
    rig: GitRig, host: Callable[..., Host]
) -> None:
    one, two = host("one"), host("two")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    one.write("T-1", "deep/data.bin", bytes(range(256)))
    one.write("T-1", "crlf.txt", b"a\r\nb\r\n")
    one.write("T-1", "run.sh", b"#!/bin/sh\n")
    folder = Path(one.rooms.enter("T-1"))
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("deep/data.bin")
    (folder / "app.py").unlink()
    one.rooms.save("T-1")
    theirs = two.rooms.enter("T-1")
    assert files_of(theirs) == files_of(str(folder))

    done = two.rooms.collect(two.rooms.open("T-1", base, BRANCH), base, "feat: x", BRANCH)
    assert done.changed
    assert rig.git.ref(f"refs/heads/{BRANCH}") == done.head_sha
    assert rig.git.ref("refs/keelway/tasks/T-1") == done.head_sha
    assert rig.git.read(done.head_sha, "deep/data.bin", 1_000) == bytes(range(256))
    assert "app.py" not in {entry.path for entry in rig.git.ls_tree(done.head_sha)}


def test_the_same_state_collected_on_two_hosts_is_the_same_commit(host: Callable[..., Host]) -> None:
    one, two = host("one"), host("two")
    base = one.forge.head("develop")
    room = one.rooms.open("T-1", base, BRANCH)
    one.write("T-1", "new.py", b"1\n")
    (Path(one.rooms.enter("T-1")) / "README.md").unlink()
    one.rooms.save("T-1")
    here = one.rooms.collect(room, base, "m", BRANCH)
    assert two.rooms.collect(room, base, "m", BRANCH) == here


def test_who_lost_a_workspace_brings_nothing_back(rig: GitRig, host: Callable[..., Host]) -> None:
    one, two = host("one"), host("two")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    one.write("T-1", "late.py", b"late\n")
    two.rooms.enter("T-1")
    with pytest.raises(TheirFault) as caught:
        one.rooms.save("T-1")
    assert caught.value.code == "workspace_taken"
    two.write("T-1", "new.py", b"1\n")
    two.rooms.save("T-1")
    done = two.rooms.collect(two.rooms.open("T-1", base, BRANCH), base, "m", BRANCH)
    assert {entry.path for entry in rig.git.ls_tree(done.head_sha)} >= {"new.py"}
    assert "late.py" not in files_of(one.rooms.enter("T-1"))
    assert "new.py" in files_of(one.rooms.enter("T-1"))


def test_a_host_that_comes_back_gets_what_the_others_did(host: Callable[..., Host]) -> None:
    one, two = host("one"), host("two")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    two.rooms.enter("T-1")
    two.write("T-1", "new.py", b"1\n")
    two.rooms.save("T-1")
    assert "new.py" in files_of(one.rooms.enter("T-1"))
    one.rooms.close("T-1")
    with pytest.raises(OurFault) as caught:
        two.rooms.enter("T-1")
    assert caught.value.code == "no_workspace"
    fresh = two.rooms.open("T-1", base, BRANCH)
    assert "new.py" not in files_of(fresh.path)


def test_reset_and_work_on_the_hub_itself_count_as_well(rig: GitRig, host: Callable[..., Host]) -> None:
    far = host("far")
    near = TravellingClone(str(rig.bare), str(rig.root / "near"))
    base = far.forge.head("develop")
    near.open("T-1", base, BRANCH)
    (Path(near.enter("T-1")) / "one.py").write_text("1\n")
    near.save("T-1")
    first = near.collect(near.open("T-1", base, BRANCH), base, "m", BRANCH)
    assert "one.py" in files_of(far.rooms.enter("T-1"))
    far.rooms.reset("T-1", base, base)
    assert "one.py" not in files_of(near.enter("T-1"))
    near.reset("T-1", first.head_sha, base)
    assert "one.py" in files_of(far.rooms.enter("T-1"))


def test_a_tree_that_may_not_get_in_stays_where_it_is(host: Callable[..., Host]) -> None:
    one, two = host("one"), host("two")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    (Path(one.rooms.enter("T-1")) / "out").symlink_to("/etc/passwd")
    one.rooms.save("T-1")
    assert "out" not in files_of(two.rooms.enter("T-1"))


def test_a_mirror_reads_what_the_hub_has_now_and_leaves_what_it_composed(
    rig: GitRig, host: Callable[..., Host]
) -> None:
    one, two = host("one"), host("two")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    one.write("T-1", "new.py", b"1\n")
    done = one.rooms.collect(one.rooms.open("T-1", base, BRANCH), base, "m", BRANCH)
    assert two.forge.read(done.head_sha, "new.py") == "1\n"
    assert two.forge.diff(base, done.head_sha).paths == {"new.py"}
    made = two.forge.compose(base, done.head_sha, ("new.py",))
    assert one.forge.files(made) == two.forge.files(made)
    assert rig.git.tree_of(made) == done.tree_sha

    draft = PullDraft("T-1", "t", "b", "develop", BRANCH, done.head_sha)
    pull = rig.forge.open_pull(draft, key="p")
    merge = rig.forge.merge(
        pull.number, head_sha=done.head_sha, base_sha=base, message="m", squash=True, key="m"
    )
    assert two.forge.head("develop") == merge.sha == one.forge.head("develop")
    rig.forge.tag("v1", merge.sha, "first", key="t")
    assert two.forge.tags() == (("v1", merge.sha),)


def test_a_mirror_moves_a_task_branch_at_the_hub_and_nothing_else(
    rig: GitRig, host: Callable[..., Host]
) -> None:
    one = host("one")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    one.write("T-1", "new.py", b"1\n")
    done = one.rooms.collect(one.rooms.open("T-1", base, BRANCH), base, "m", BRANCH)
    rig.people_push({"other.py": "2\n"})
    onto = rig.forge.refresh()
    moved = host("two").forge.rebase(done.head_sha, onto, "m", BRANCH)
    assert rig.git.ref(f"refs/heads/{BRANCH}") == moved.head_sha
    assert rig.git.commit(moved.head_sha).parents == (onto,)
    again = one.forge.rebase(done.head_sha, onto, "m", BRANCH)
    assert again == moved
    for verb in (
        one.forge.refresh,
        lambda: one.forge.tag("v1", base, "m", key="t"),
        lambda: one.forge.delete_branch(BRANCH, key="d"),
        lambda: one.forge.revert("develop", base, "m", key="r"),
    ):
        with pytest.raises(OurFault) as caught:
            verb()
        assert caught.value.code == "not_on_hub"


def test_protected_branches_cannot_be_pushed_past_the_hub(rig: GitRig, host: Callable[..., Host]) -> None:
    one = host("one")
    base = one.forge.head("develop")
    git = Git(str(one.root / "mirror.git"))
    made = git.commit_tree(git.tree_of(base), (base,), "by the back door", 1)
    hub = make_hub(str(one.root / "mirror.git"), one.hub)
    with pytest.raises(TheirFault, match="protected"):
        hub.publish(Move("refs/heads/develop", made))
    assert rig.git.ref("refs/heads/develop") == base


def test_all_moves_or_none(rig: GitRig, host: Callable[..., Host]) -> None:
    one = host("one")
    base = one.forge.head("develop")
    for hub in (make_hub(str(one.root / "mirror.git"), one.hub), make_hub(str(rig.bare))):
        stale = Move("refs/keelway/rooms/T-1", base, "f" * 40)
        assert not hub.publish(stale, Move("refs/heads/feature/two", base))
        assert hub.ref("refs/heads/feature/two") == ""
        assert hub.publish(Move("refs/keelway/rooms/T-1", base, ""), Move("refs/heads/feature/two", base))
        assert not hub.publish(Move("refs/keelway/rooms/T-1", "", "f" * 40))
        assert hub.publish(Move("refs/keelway/rooms/T-1", ""), Move("refs/heads/feature/two", ""))
        assert hub.refs("refs/keelway/rooms/*") == {}


def test_the_way_over_ssh(
    rig: GitRig, host: Callable[..., Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "ssh"
    program.write_text(
        '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; [ "${1#*=}" = "$1" ] || shift; done\n'
        f'echo "$1" >> {tmp_path}/asked\nshift\nexec sh -c "$*"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    one = host("one", f"ssh://hub.example.com{rig.bare}")
    base = one.forge.head("develop")
    one.rooms.open("T-1", base, BRANCH)
    one.write("T-1", "new.py", b"1\n")
    done = one.rooms.collect(one.rooms.open("T-1", base, BRANCH), base, "m", BRANCH)
    assert rig.git.ref(f"refs/heads/{BRANCH}") == done.head_sha
    assert set((tmp_path / "asked").read_text().split()) == {"hub.example.com"}


@pytest.mark.parametrize("address", ["ext::sh -c id", "--upload-pack=id", "http://x/y", "../x", "-h:x"])
def test_an_address_that_could_run_something_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(YourFault) as caught:
        make_hub(str(tmp_path / "mirror.git"), address).prepare("main")
    assert caught.value.code == "bad_hub"


def test_a_hub_that_is_not_there_is_said_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(TheirFault) as caught:
        make_hub(str(tmp_path / "mirror.git"), str(tmp_path / "nothing.git")).prepare("main")
    assert caught.value.code == "hub_unreachable"
    assert "git ls-remote" in caught.value.hint
