"""Parts of the cage by themselves: folders lent and taken back, refused paths."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from keelway.clients.cage import Inside
from keelway.clients.cage.hold.disk import measure, passed
from keelway.clients.cage.hold.owner import lend, take_back
from keelway.clients.cage.hold.walk import Walk
from keelway.clients.cage.view import Fence, arguments
from keelway.core.errors import YourFault


def test_a_file_with_a_second_name_gets_a_body_of_its_own(tmp_path):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    tree.mkdir()
    outside.write_text("shared")
    outside.chmod(0o640)
    os.utime(outside, (1, 2))
    os.link(outside, tree / "name")
    lend(tree, 0)
    assert outside.stat().st_nlink == 1
    assert (tree / "name").read_text() == "shared"
    status = (tree / "name").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (0o640, 2)
    assert [path.name for path in tree.iterdir()] == ["name"]


def test_taking_back_follows_no_link(tmp_path):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    tree.mkdir()
    outside.write_text("")
    outside.chmod(0o4755)
    (tree / "link").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    take_back(tree)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o4755


def test_a_walk_goes_so_deep_and_says_what_it_did_not_see(tmp_path):
    tmp_path.joinpath(*["d"] * 150).mkdir(parents=True)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    walk = Walk(tmp_path)
    assert 90 < sum(1 for _ in walk) < 110
    assert walk.unseen == 1
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_growth_is_judged_by_what_the_disk_gained_when_something_was_not_seen(tmp_path):
    before = measure([str(tmp_path)])
    assert not passed(before, before, 1)
    grown = replace(before, bytes=before.bytes + 2)
    assert passed(before, grown, 1)
    hidden = replace(before, unseen=1, used_bytes=before.used_bytes + 2)
    assert passed(before, hidden, 1)
    assert passed(before, replace(before, free_bytes=1), 1 << 40)
    assert not passed(before, replace(grown, free_bytes=1), 0)


FENCE = Fence(61_000, proc_sys=True, reads=())


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", "cage_path_refused"),
        ("/proc", "cage_path_refused"),
        ("/tmp", "cage_path_refused"),
        ("relative", "cage_path_refused"),
        ("/usr/../etc", "cage_path_refused"),
        ("/etc/", "cage_path_refused"),
        ("/not/there", "cage_path_missing"),
    ],
)
def test_a_path_that_would_show_too_much_or_nothing_is_refused(tmp_path, path, code):
    inside = Inside(("true",), {}, str(tmp_path), str(tmp_path), reads=(path,))
    with pytest.raises(YourFault) as caught:
        arguments(inside, FENCE)
    assert caught.value.code == code


def test_outer_folders_are_bound_before_inner_ones(tmp_path):
    workspace, home = tmp_path / "w", tmp_path / "h"
    (workspace / "objects").mkdir(parents=True)
    home.mkdir()
    reads = (str(workspace / "objects"), str(tmp_path))
    inside = Inside(("true",), {}, str(workspace), str(home), str(workspace), reads=reads)
    words = arguments(inside, FENCE)
    binds = [words[at + 1] for at, word in enumerate(words) if isinstance(word, dict)]
    assert [path for path in binds if str(path).startswith(str(tmp_path))] == [
        str(tmp_path),
        str(workspace),
        str(home),
        str(workspace / "objects"),
    ]
