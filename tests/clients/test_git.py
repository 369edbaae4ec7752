"""The git client reads odd names and odd contents as they are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keelway.clients.git import Git
from keelway.clients.git.call import GitCall
from keelway.clients.git.importing import ImportBounds
from keelway.core.errors import OurFault, TheirFault
from keelway.core.model.diff import parse_diff

ODD_NAMES = (
    *(
        "with space",
        "with\nnewline",
        "with\ttab",
        'with"quote',
        "with'quote",
        "back\\slash",
        "ümläut",
        "日本/語",
    ),
    *(
        "-dash",
        "--option",
        ":(glob)*",
        "*?[x]",
        "$(touch x)",
        "\u202erights",
        "a/b/c",
        "#hash",
        "{a,b}",
        "=>",
    ),
)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    made = Git(str(tmp_path / "bare"))
    made.init_bare("main")
    return made


def _commit(git: Git, folder: Path, files: dict[str, bytes], parents: tuple[str, ...] = ()) -> str:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    base = parents[0] if parents else git.commit_tree(_empty(git), (), "empty", 0)
    tree = git.import_tree(str(folder), base, ImportBounds()).tree_sha
    return git.commit_tree(tree, (base,), "made", 1_700_000_000)


def _empty(git: Git) -> str:
    with git.index() as env:
        return git.text("write-tree", env=env)


def test_many_texts_are_read_in_one_go_and_bounded(git: Git, tmp_path: Path) -> None:
    files = {name: f"{name}\n".encode() for name in ODD_NAMES}
    odd = {
        "big": b"x" * 101,
        "binary": b"a\0b",
        "empty": b"",
        "latin": b"\xe9\n",
        "same": b"odd\n",
        "twin": b"odd\n",
    }
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "link").symlink_to("same")
    head = _commit(git, folder, {**files, **odd})
    wanted = (*ODD_NAMES, *odd, "link", "gone", "same")
    found = git.texts(head, wanted, 100, 100_000)
    assert found.keys() == {*ODD_NAMES, "empty", "latin", "same", "twin"}
    assert {name: found[name] for name in ODD_NAMES} == {name: f"{name}\n" for name in ODD_NAMES}
    assert (found["empty"], found["latin"], found["same"], found["twin"]) == (
        "",
        "\ufffd\n",
        "odd\n",
        "odd\n",
    )
    assert git.texts(head, ("same", "big", "twin"), 1_000, 105) == {"same": "odd\n", "big": "x" * 101}
    assert git.texts(head, ("gone",), 100, 100) == {}


def test_odd_names_survive_every_verb(git: Git, tmp_path: Path) -> None:
    base = _commit(git, tmp_path / "w", {"seed": b"x\n"})
    head = _commit(git, tmp_path / "w", {name: f"{name}\n".encode() for name in ODD_NAMES}, (base,))
    assert {entry.path for entry in git.ls_tree(head)} == {"seed", *ODD_NAMES}
    diff = parse_diff(base, head, git.diff_raw(base, head), git.diff_numstat(base, head))
    assert diff.paths == set(ODD_NAMES)
    added, removed = git.changed_lines(base, head)
    assert removed == {}
    assert set(added) == set(ODD_NAMES)
    for name in ODD_NAMES:
        assert git.read(head, name, 100) == f"{name}\n".encode()
        assert "\n".join(text for _number, text in added[name]) == name
    assert git.compose(base, head, ODD_NAMES) == git.tree_of(head)
    assert git.compose(head, base, ODD_NAMES) == git.tree_of(base)
    git.export(head, str(tmp_path / "out"))
    for name in ODD_NAMES:
        assert (tmp_path / "out" / name).read_text() == f"{name}\n"


def test_conflicts_name_odd_paths(git: Git, tmp_path: Path) -> None:
    base = _commit(git, tmp_path / "w", dict.fromkeys(ODD_NAMES, b"1\n"))
    ours = _commit(git, tmp_path / "w", dict.fromkeys(ODD_NAMES, b"2\n"), (base,))
    theirs = _commit(git, tmp_path / "w", dict.fromkeys(ODD_NAMES, b"3\n"), (base,))
    assert set(git.merge_tree(ours, theirs).conflicts) == set(ODD_NAMES)
    assert git.merge_tree(ours, base).conflicts == ()


def test_content_that_looks_like_a_patch_does_not_confuse_the_lines(git: Git, tmp_path: Path) -> None:
    trap = (
        b"diff --git a/x b/x\n@@ -0,0 +1,9 @@\n+++ b/evil\n--- a/evil\n\\ No newline at end of file\n-x\n+y"
    )
    base = _commit(git, tmp_path / "w", {"a": b"old\n", "b": b"keep\n", "c": b"1\n", "link": b"x"})
    (tmp_path / "w" / "link").unlink()
    (tmp_path / "w" / "link").symlink_to("a")
    (tmp_path / "w" / "c").chmod(0o755)
    files = {"a": trap, "b": b"keep\n" + trap + b"\n", "bin": b"\0\1", "z": b"last\n"}
    head = _commit(git, tmp_path / "w", files, (base,))
    added, removed = git.changed_lines(base, head)
    assert removed == {"a": ((1, "old"),), "link": ((1, "x"),)}
    lines = trap.decode().split("\n")
    assert [text for _n, text in added["a"]] == lines
    assert [number for number, _t in added["a"]] == list(range(1, 8))
    assert added["b"] == tuple(enumerate(lines, 2))
    assert added["z"] == ((1, "last"),)
    assert added["link"] == ((1, "a"),)
    assert set(added) == {"a", "b", "z", "link"}


def test_merge_between_chosen_trees(git: Git, tmp_path: Path) -> None:
    base = _commit(git, tmp_path / "w", {"a": b"1\n2\n3\n"})
    bad = _commit(git, tmp_path / "w", {"a": b"1\nbad\n3\n"}, (base,))
    tip = _commit(git, tmp_path / "w", {"a": b"1\nbad\n3\n4\n", "b": b"b\n"}, (bad,))
    undone = git.merge_trees(git.tree_of(bad), git.tree_of(tip), git.tree_of(base))
    assert undone.conflicts == ()
    assert git.read(undone.tree_sha, "a", 100) == b"1\n2\n3\n4\n"
    clash = _commit(git, tmp_path / "w", {"a": b"1\nworse\n3\n"}, (bad,))
    assert git.merge_trees(git.tree_of(bad), git.tree_of(clash), git.tree_of(base)).conflicts == ("a",)


def test_compose_replaces_a_file_by_a_folder(git: Git, tmp_path: Path) -> None:
    base = _commit(git, tmp_path / "w", {"a": b"file\n"})
    (tmp_path / "w" / "a").unlink()
    head = _commit(git, tmp_path / "w", {"a/b": b"inner\n"}, (base,))
    assert [entry.path for entry in git.ls_tree(git.compose(base, head, ("a/b",)))] == ["a/b"]
    assert [entry.path for entry in git.ls_tree(git.compose(head, base, ("a",)))] == ["a"]


def test_compare_and_swap(git: Git, tmp_path: Path) -> None:
    one = _commit(git, tmp_path / "w", {"a": b"1"})
    two = _commit(git, tmp_path / "w", {"a": b"2"}, (one,))
    name = "refs/heads/x"
    assert git.update_ref(name, one, "")
    assert not git.update_ref(name, two, "")
    assert not git.update_ref(name, one, two)
    assert git.update_ref(name, two, one)
    assert not git.delete_ref(name, one)
    assert git.ref(name) == two
    assert git.delete_ref(name, two)
    assert git.ref(name) == ""
    with pytest.raises(TheirFault):
        git.update_ref(name, "f" * 40, "")
    for bad in ("HEAD", "refs/heads/x^", "refs/heads/..", "x", "refs/heads/main@{0}"):
        assert git.ref(bad) == ""


def test_same_arguments_same_commit(git: Git) -> None:
    tree = _empty(git)
    first = git.commit_tree(tree, (), "message\n\n  body\0 \n\n", 1_700_000_000)
    assert first == git.commit_tree(tree, (), "message\n\n  body\0 \n\n", 1_700_000_000)
    assert first != git.commit_tree(tree, (), "message", 1_700_000_001)
    commit = git.commit(first)
    assert (commit.tree_sha, commit.parents, commit.at) == (tree, (), 1_700_000_000)
    assert commit.message.strip() == "message\n\n  body"


def test_log_and_ancestry(git: Git, tmp_path: Path) -> None:
    one = _commit(git, tmp_path / "w", {"a": b"1"})
    two = _commit(git, tmp_path / "w", {"a": b"2"}, (one,))
    assert [commit.sha for commit in git.log(two, limit=2)] == [two, one]
    assert [commit.sha for commit in git.log(two, limit=9, exclude=one, first_parent=True)] == [two]
    assert git.is_ancestor(one, two)
    assert not git.is_ancestor(two, one)
    assert git.merge_base(one, two) == one
    stranger = git.commit_tree(_empty(git), (), "stranger", 5)
    assert git.merge_base(stranger, two) == ""
    assert git.rev_parse(two[:12]) == two
    assert git.rev_parse("--all") == git.rev_parse("nothing") == ""


def test_bounds_and_faults_name_the_command(git: Git, tmp_path: Path) -> None:
    head = _commit(git, tmp_path / "w", {"big": b"x" * 1000, "folder/x": b"x"})
    with pytest.raises(TheirFault) as fault:
        git.read(head, "big", 999)
    assert fault.value.code == "file_too_large"
    assert git.read(head, "folder", 10) is None
    assert git.read(head, "folder/", 10) is None
    assert git.read(head, "../big", 10) is None
    with pytest.raises(TheirFault) as fault:
        git.tree_of("nothing")
    assert "rev-parse" in fault.value.message
    with pytest.raises(TheirFault) as fault:
        Git(git.git_dir, output_bytes_max=10).ls_tree(head)
    assert fault.value.code == "git_output_too_large"
    with pytest.raises(TheirFault) as fault:
        GitCall(git.git_dir, timeout_seconds=0.2).call("-c", "alias.nap=!sleep 5", "nap")
    assert fault.value.code == "git_timeout"
    assert len(Git(git.git_dir, output_bytes_max=50).diff_text(_empty(git), head)) < 150
    with pytest.raises(TheirFault) as fault:
        git.export(head, str(tmp_path / "w"))
    assert fault.value.code == "folder_not_empty"
    for source in ("ext::sh -c touch% x", "relative", "-u", "https://localhost/x"):
        with pytest.raises(OurFault):
            git.fetch(source, "main")


def test_fetch_refuses_objects_that_git_calls_broken(git: Git, tmp_path: Path) -> None:
    other = Git(str(tmp_path / "other"))
    other.init_bare("main")
    blob = other.text("hash-object", "-w", "--stdin", stdin=b"x")
    entry = b"100644 .git\0" + bytes.fromhex(blob)
    tree = other.text("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=entry)
    other.update_ref("refs/heads/main", other.commit_tree(tree, (), "bad", 5), "")
    with pytest.raises(TheirFault) as fault:
        git.fetch(other.git_dir, "+refs/heads/main:refs/heads/taken")
    assert fault.value.code == "git_failed"
    assert git.ref("refs/heads/taken") == ""


def test_surroundings_do_not_matter(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "fired"
    (tmp_path / ".gitconfig").write_text(f"[core]\n\tfsmonitor = touch {marker}\n[user]\n\tname = Evil\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
    head = _commit(git, tmp_path / "w", {"a": b"1"})
    assert git.commit(head).message.strip() == "made"
    assert "Evil" not in git.text("cat-file", "commit", head)
    assert not marker.exists()


_names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda name: name not in {".", ".."} and ".git" not in name.lower() and "git~" not in name.lower())


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(_names, st.binary(max_size=60), min_size=1, max_size=6))
def test_any_files_come_back_as_facts(files: dict[str, bytes]) -> None:
    files = {name: data for name, data in files.items() if "\\" not in name and not name.endswith((" ", "."))}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        git = Git(str(root / "bare"))
        git.init_bare("main")
        start = git.commit_tree(_empty(git), (), "empty", 0)
        with_files = _commit(git, root / "w", {"seed": b"s", **files}, (start,))
        diff = parse_diff(
            start, with_files, git.diff_raw(start, with_files), git.diff_numstat(start, with_files)
        )
        assert diff.paths == {"seed", *files}
        added, _ = git.changed_lines(start, with_files)
        _, removed = git.changed_lines(with_files, start)
        assert removed == added
        for path in diff.paths:
            delta = next(delta for delta in diff.files if delta.path == path)
            assert len(added.get(path, ())) == delta.added
