"""The local forge: protection, crashes, races and the user's own repository."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.conformance.git_rig import GitRig, again, git, make_rig

from keelway.adapters.forge.local import LocalForge
from keelway.clients.git.mainline import with_key
from keelway.core.errors import OurFault, TheirFault, YourFault
from keelway.core.model.project import Branches
from keelway.ports.forge import Merge, Pull, PullDraft
from keelway.testing.fakes.pulls import FakePullBook


class _FallingBook(FakePullBook):
    """Fall over when a pull request is saved, as a killed process would."""

    falls = True

    def save_pull(self, pull: Pull) -> None:
        if self.falls:
            raise RuntimeError("killed")
        super().save_pull(pull)


@pytest.fixture
def rig(tmp_path: Path) -> GitRig:
    return make_rig(tmp_path)


def _open(rig: GitRig, name: str = "one", text: str = "1\n") -> Pull:
    base = rig.forge.head("develop")
    head = rig.patch(f"feature/{name}", base, {f"{name}.py": text})
    draft = PullDraft("T-1", name, "body", "develop", f"feature/{name}", head)
    return rig.forge.open_pull(draft, key=f"{name}/open")


def _merge(forge: LocalForge, pull: Pull, key: str = "T-1/merge") -> Merge:
    message = "feat: one\n\nWhy.\n\nAgent-task: T-1\nRequested-by: owner"
    return forge.merge(
        pull.number, head_sha=pull.head_sha, base_sha=pull.base_sha, message=message, squash=True, key=key
    )


def test_merge_commit_says_everything_and_is_the_same_everywhere(rig: GitRig, tmp_path: Path) -> None:
    pull = _open(rig)
    merge = _merge(rig.forge, pull)
    commit = rig.git.commit(merge.sha)
    assert commit.message.splitlines()[-3:] == [
        "Agent-task: T-1",
        "Requested-by: owner",
        "Keelway-key: T-1/merge",
    ]
    assert commit.at == rig.git.commit(pull.head_sha).at
    assert (
        git(rig.bare, "log", "-1", "--format=%an <%ae> %cn", merge.sha)
        == "Keelway <keelway@localhost> Keelway"
    )
    trailers = git(rig.bare, "log", "-1", "--format=%(trailers:key=Keelway-key,valueonly)", merge.sha)
    assert trailers == "T-1/merge"
    rig.git.update_ref("refs/heads/develop", pull.base_sha, merge.sha)
    rig.git.update_ref("refs/keelway/protected/develop", pull.base_sha, merge.sha)
    rig.book.save_pull(pull)
    assert _merge(rig.forge, pull) == merge


def test_killed_between_the_branch_and_the_book_ends_the_same(tmp_path: Path) -> None:
    book = _FallingBook()
    rig = make_rig(tmp_path, book)
    pull = _open(rig)
    with pytest.raises(RuntimeError):
        _merge(rig.forge, pull)
    moved = rig.forge.head("develop")
    assert moved != pull.base_sha
    book.falls = False
    after = again(tmp_path, book)
    assert after.forge.drift() == ()
    merge = _merge(after.forge, pull)
    assert merge.sha == moved == after.forge.head("develop")
    assert book.pull(pull.number).merge_sha == moved


@pytest.mark.parametrize("stage", ["intent only", "branch moved", "branch moved, not remembered"])
def test_killed_inside_the_move_ends_the_same(stage: str, tmp_path: Path) -> None:
    rig = make_rig(tmp_path)
    pull = _open(rig)
    merge = _merge(rig.forge, pull)
    rig.book.save_pull(pull)
    if stage == "intent only":
        rig.git.update_ref("refs/heads/develop", pull.base_sha, merge.sha)
    if stage != "branch moved":
        rig.git.update_ref("refs/keelway/protected/develop", pull.base_sha, merge.sha)
    after = again(tmp_path, rig.book)
    assert _merge(after.forge, pull) == merge
    assert after.forge.head("develop") == merge.sha
    assert after.forge.drift() == ()


def test_killed_inside_a_refresh_ends_the_same(rig: GitRig) -> None:
    _merge(rig.forge, _open(rig))
    main, develop = rig.forge.head("main"), rig.forge.head("develop")
    pushed = rig.people_push({"people.txt": "1\n"})
    rig.forge.refresh()
    carried = rig.forge.head("develop")
    assert carried != develop
    moves = (("main", main, pushed), ("develop", develop, carried))
    for undone in (moves[:1], moves):
        for branch, old, new in undone:
            rig.git.update_ref(f"refs/heads/{branch}", old, new)
            rig.git.update_ref(f"refs/keelway/protected/{branch}", old, new)
        assert again(rig.root, rig.book).forge.refresh() == pushed
        assert rig.forge.head("develop") == carried
        assert rig.forge.drift() == ()


def test_two_merges_at_once_one_wins(rig: GitRig) -> None:
    pulls = [_open(rig, "one"), _open(rig, "two")]
    start, results = threading.Barrier(2), []

    def land(pull: Pull) -> None:
        forge = again(rig.root, rig.book).forge
        start.wait()
        try:
            results.append(_merge(forge, pull, f"merge {pull.number}").sha)
        except TheirFault as fault:
            results.append(fault.code)

    threads = [threading.Thread(target=land, args=(pull,)) for pull in pulls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("base_moved") == 1
    assert rig.forge.head("develop") in results
    assert rig.forge.drift() == ()


def test_same_merge_at_once_is_one_merge(rig: GitRig) -> None:
    pull = _open(rig)
    start, results = threading.Barrier(3), []

    def land() -> None:
        forge = again(rig.root, rig.book).forge
        start.wait()
        results.append(_merge(forge, pull))

    threads = [threading.Thread(target=land) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [results[0]] * 3
    assert rig.git.commit(rig.forge.head("develop")).parents == (pull.base_sha,)


def test_reverts_at_once_both_happen(rig: GitRig) -> None:
    bad = [_merge(rig.forge, _open(rig, name, f"{name} {name * 30}\n"), name).sha for name in ("one", "two")]
    start = threading.Barrier(2)

    def undo(sha: str) -> None:
        forge = again(rig.root, rig.book).forge
        start.wait()
        forge.revert("develop", sha, "Revert", key=f"revert {sha}")

    threads = [threading.Thread(target=undo, args=(sha,)) for sha in bad]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rig.forge.files(rig.forge.head("develop")) == ("README.md", "app.py", "docs/page.md")
    assert rig.forge.drift() == ()


def test_push_to_a_protected_branch_is_refused_with_a_sentence(rig: GitRig) -> None:
    git(rig.origin, "checkout", "-q", "-b", "mine")
    (rig.origin / "mine.txt").write_text("x")
    git(rig.origin, "add", "-A")
    git(rig.origin, "commit", "-q", "-m", "mine")
    for target in ("develop", "main", "refs/keelway/protected/main", "refs/tags/v1"):
        with pytest.raises(AssertionError, match="is protected and was not moved"):
            git(rig.origin, "push", "-f", str(rig.bare), f"mine:{target}")
    with pytest.raises(AssertionError, match="is protected and was not moved"):
        git(rig.origin, "push", str(rig.bare), ":develop")
    git(rig.origin, "push", "-q", str(rig.bare), "mine:feature/mine")
    assert rig.forge.head("feature/mine") == git(rig.origin, "rev-parse", "mine")
    assert rig.forge.drift() == ()


def test_a_branch_moved_by_hand_is_named_and_not_built_upon(rig: GitRig) -> None:
    pull = _open(rig)
    was = rig.forge.head("develop")
    git(rig.bare, "update-ref", "refs/heads/develop", pull.head_sha)
    assert rig.forge.drift() == ("develop",)
    other = _open(rig, "other")
    for act in (
        lambda: _merge(rig.forge, other, "other"),
        lambda: rig.forge.revert("develop", pull.head_sha, "m", key="r"),
    ):
        with pytest.raises(TheirFault) as fault:
            act()
        assert fault.value.code == "moved_by_hand"
    assert was in fault.value.hint
    command = fault.value.hint.split("`")[1].split()
    git(rig.bare, *command[1:])
    assert rig.forge.drift() == ()
    assert rig.forge.head("develop") == was
    git(rig.bare, "update-ref", "-d", "refs/heads/develop")
    assert rig.forge.drift() == ("develop",)


def test_spoofed_key_in_a_message_does_not_count_as_done(rig: GitRig) -> None:
    first = _open(rig)
    message = "feat: x\n\nKeelway-key: T-2/merge"
    rig.forge.merge(
        first.number,
        head_sha=first.head_sha,
        base_sha=first.base_sha,
        message=message,
        squash=True,
        key="T-1/merge",
    )
    second = _open(rig, "two")
    assert _merge(rig.forge, second, "T-2/merge").previous_sha == second.base_sha
    with pytest.raises(OurFault):
        with_key("message", "two\nlines")


def test_base_diverged_names_commands_that_work(rig: GitRig) -> None:
    hot = rig.patch("hotfix/x", rig.forge.head("main"), {"hot.py": "1\n"})
    pull = rig.forge.open_pull(PullDraft("T-2", "t", "b", "main", "hotfix/x", hot), key="o")
    _merge(rig.forge, pull, "hot")
    rig.people_push({"people.txt": "1\n"})
    with pytest.raises(YourFault) as fault:
        rig.forge.refresh()
    assert fault.value.code == "base_diverged"
    command = fault.value.hint.split("`")[1].split()
    assert command[0] == "git"
    git(rig.origin, *command[1:])
    assert rig.forge.refresh() == git(rig.origin, "rev-parse", "main") == rig.forge.head("main")


def test_origin_dirty_lists_tracked_edits_and_runs_nothing(rig: GitRig, tmp_path: Path) -> None:
    marker = tmp_path / "fired"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\necho >> {marker}\n")
    script.chmod(0o755)
    git(rig.origin, "config", "core.fsmonitor", str(script))
    index = (rig.origin / ".git" / "index").stat()
    assert rig.forge.origin_dirty() == ()
    (rig.origin / "app.py").write_text("edited\n")
    (rig.origin / "untracked").write_text("x")
    assert rig.forge.origin_dirty() == ("app.py",)
    assert not marker.exists()
    assert (rig.origin / ".git" / "index").stat().st_mtime_ns == index.st_mtime_ns
    git(rig.origin, "-c", "core.fsmonitor=false", "checkout", "-q", "-b", "elsewhere")
    assert rig.forge.origin_dirty() == ()
    assert LocalForge(str(rig.bare), str(rig.bare), Branches(), rig.book).origin_dirty() == ()
    assert LocalForge(str(rig.bare), "", Branches(), rig.book).origin_dirty() == ()


def test_origin_dirty_in_a_linked_work_tree(rig: GitRig, tmp_path: Path) -> None:
    git(rig.origin, "checkout", "-q", "-b", "elsewhere")
    git(rig.origin, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    (tmp_path / "linked" / "app.py").write_text("edited\n")
    linked = LocalForge(str(rig.bare), str(tmp_path / "linked"), Branches(), rig.book)
    assert linked.origin_dirty() == ("app.py",)
    assert linked.refresh() == linked.head("main")


def test_nothing_to_start_from_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for origin, code in (("", "no_repository"), (str(tmp_path / "empty"), "origin_unreadable")):
        with pytest.raises(YourFault) as fault:
            LocalForge(str(tmp_path / "bare"), origin, Branches(), FakePullBook()).head("main")
        assert fault.value.code == code
        assert fault.value.hint


def test_works_alone_without_origin_and_with_one_branch(rig: GitRig) -> None:
    alone = LocalForge(str(rig.bare), "", Branches(integration="main"), rig.book, url="http://127.0.0.1:1/")
    assert alone.refresh() == alone.head("main")
    head = rig.patch("fix/x", alone.head("main"), {"x.py": "1\n"})
    pull = alone.open_pull(PullDraft("T-1", "t", "b", "main", "fix/x", head), key="o")
    assert pull.url == f"http://127.0.0.1:1/pulls/{pull.number}"
    assert _merge(alone, pull).sha == alone.head("main")


def test_bad_tag_and_root_patch_are_refused(rig: GitRig) -> None:
    head = rig.forge.head("main")
    for name in ("a b", "x..y", "-x/", "", "a~1"):
        with pytest.raises(YourFault) as fault:
            rig.forge.tag(name, head, "m", key="t")
        assert fault.value.code == "bad_tag"
    with pytest.raises(YourFault) as fault:
        rig.forge.rebase(head, head, "m", "feature/x")
    assert fault.value.code == "not_a_patch"


def _promoted(rig: GitRig, key: str) -> Merge:
    """Bring what develop holds to main."""
    head, main = rig.forge.head("develop"), rig.forge.head("main")
    draft = PullDraft("T-1", key, "body", "main", "develop", head)
    pull = rig.forge.open_pull(draft, key=f"{key}/promotion")
    return rig.forge.merge(
        pull.number, head_sha=head, base_sha=main, message="Promote", squash=False, key=f"{key}/promote"
    )


@pytest.mark.parametrize("text", ["2\n", "bad\n"], ids=["another cure", "the same again"])
def test_after_a_way_back_the_same_lines_are_promoted_again(rig: GitRig, text: str) -> None:
    bad = _merge(rig.forge, _open(rig, text="bad\n"), "bad/merge")
    shipped = _promoted(rig, "bad")
    rig.forge.revert("main", shipped.sha, "Revert", key="back/main")
    rig.forge.revert("develop", bad.sha, "Revert", key="back/develop")
    base = rig.forge.head("develop")
    head = rig.patch("feature/two", base, {"one.py": text})
    draft = PullDraft("T-2", "two", "body", "develop", "feature/two", head)
    merge = _merge(rig.forge, rig.forge.open_pull(draft, key="two/open"), "two/merge")
    again_shipped = _promoted(rig, "two")
    assert again_shipped.tree_sha == merge.tree_sha
    assert rig.forge.read(rig.forge.head("main"), "one.py") == text


def test_what_only_main_holds_is_merged_and_not_lost(rig: GitRig) -> None:
    rig.patch("feature/hot", rig.forge.head("main"), {"hot.py": "1\n"})
    hot = PullDraft("T-3", "hot", "body", "main", "feature/hot", rig.git.ref("refs/heads/feature/hot"))
    pull = rig.forge.open_pull(hot, key="hot/open")
    _merge(rig.forge, pull, "hot/merge")
    _merge(rig.forge, _open(rig), "one/merge")
    _promoted(rig, "one")
    assert rig.forge.read(rig.forge.head("main"), "hot.py") == "1\n"
