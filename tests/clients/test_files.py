"""Files are whole or untouched, and nothing outside a root is removed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from keelway.clients import files
from keelway.core.errors import OurFault, TheirFault


def test_write_atomic_replaces_with_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    files.write_atomic(path, b"one")
    files.write_atomic(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_failed_write_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match=r".+"):
        files.write_atomic(tmp_path / "target", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]


def test_hash_and_free_space(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256_file(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    assert files.free_bytes(tmp_path / "not" / "yet") > 0


def test_read_bounded_refuses_what_is_not_a_small_regular_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"12345")
    assert files.read_bounded(plain, 5) == b"12345"
    (tmp_path / "link").symlink_to(plain)
    os.mkfifo(tmp_path / "pipe")
    cases = {"plain": "file_too_large", "link": "file_refused", "pipe": "file_refused", ".": "file_refused"}
    for name, code in cases.items():
        with pytest.raises(TheirFault) as fault:
            files.read_bounded(tmp_path / name, 4)
        assert fault.value.code == code
    with pytest.raises(FileNotFoundError):
        files.read_bounded(tmp_path / "none", 1)


def test_remove_tree_stays_below_its_root_and_follows_no_link(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (root / "task" / "shut").mkdir(parents=True)
    (root / "task" / "shut" / "file").write_text("x")
    (root / "task" / "out").symlink_to(outside)
    (root / "task" / "shut").chmod(0o500)
    (root / "link").symlink_to(outside)
    files.remove_tree(root / "task", root)
    files.remove_tree(root / "task", root)
    files.remove_tree(root / "link", root)
    assert list(root.iterdir()) == []
    assert (outside / "kept").exists()
    (root / "bridge").symlink_to(outside)
    for path in (root, outside, root / ".." / "outside", root / "bridge" / "kept", root / "."):
        with pytest.raises(OurFault) as fault:
            files.remove_tree(path, root)
        assert fault.value.code == "outside_root"
    assert (outside / "kept").exists()
