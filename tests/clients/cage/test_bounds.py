"""What a hostile program uses up ends its run, not the machine; the bounds are small ones."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from keelway.clients.cage import MIB, Bounds
from keelway.clients.cage.hold import cgroup

from .conftest import Here

pytestmark = pytest.mark.long


def test_a_fork_bomb_stays_small(rig, small):
    script = """
import os, time
made = 0
try:
    for _ in range(500):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError as error:
    print(made, error.errno, flush=True)
"""
    seen = rig.do(rig.inside("python3", "-c", script, bounds=small))
    made, errno = map(int, seen.stdout.split())
    assert (10 < made < 40, errno) == (True, 11)
    assert seen.seconds < 30


def test_a_fork_bomb_that_never_ends_is_ended(rig, small):
    seen = rig.do(
        rig.inside("/bin/bash", "-c", ":(){ :|:& }; :; while :; do :& sleep 0.1; done", bounds=small), 3
    )
    assert seen.over == "time" or seen.exit_code != 0  # some shells give up by themselves
    assert seen.seconds < 20


def test_who_takes_too_much_memory_is_ended(rig, small):
    script = """
import time
held = []
while True:
    held.append(bytearray(8_000_000))
    time.sleep(0.02)
"""
    seen = rig.do(rig.inside("python3", "-c", script, bounds=small))
    assert seen.hit == "memory"
    assert seen.over in {"memory", ""}  # the kernel may have been quicker than the watch
    assert seen.exit_code != 0


def test_memory_is_counted_for_all_processes_together(rig, small):
    script = "for i in 1 2 3 4 5 6; do python3 -c 'import time; x = bytearray(30_000_000); time.sleep(20)' & done; wait"
    seen = rig.sh(script, bounds=small)
    assert seen.hit == "memory"
    assert seen.seconds < 20


def test_a_temporary_folder_is_full_at_its_bound(rig, small):
    script = "head -c 9000000 /dev/zero > /tmp/big; head -c 9000000 /dev/zero > /dev/shm/big; stat -c %s /tmp/big /dev/shm/big"
    seen = rig.sh(script, bounds=small)
    assert [int(word) for word in seen.stdout.split()] == [4 * MIB, 4 * MIB]
    assert seen.stderr.count("No space left") == 2


def test_a_file_stops_at_its_bound(rig, small):
    seen = rig.sh("head -c 40000000 /dev/zero > big", bounds=small)
    assert seen.exit_code == 128 + 25
    assert (rig.workspace / "big").stat().st_size == 16 * MIB


def test_who_fills_the_disk_is_ended(rig, small):
    script = "mkdir hidden; for i in 1 2 3 4 5 6 7 8 9; do head -c 5000000 /dev/zero > hidden/$i; sleep 0.1; done; sleep 20"
    seen = rig.sh(script, bounds=small)
    assert (seen.over, seen.hit) == ("disk", "disk")
    assert seen.seconds < 20


def test_what_lies_in_a_closed_folder_counts_too(rig):
    bounds = Bounds(disk_bytes_max=60 * MIB)
    script = "mkdir h; for i in 1 2 3 4 5 6 7 8 9; do head -c 20000000 /dev/zero > h/$i; chmod 0 h; sleep 0.3; chmod 700 h; done; chmod 0 h; sleep 20"
    seen = rig.sh(script, bounds=bounds)
    assert (seen.over, seen.hit) == ("disk", "disk")


def test_many_empty_files_fill_a_disk_as_well(rig, small):
    seen = rig.do(
        rig.inside(
            "python3", "-c", "import itertools\nfor i in itertools.count(): open(str(i), 'w')", bounds=small
        )
    )
    assert (seen.over, seen.hit) == ("disk", "disk")


def test_a_tree_of_great_depth_is_measured_and_given_back(rig, small):
    script = """
import os, time
for _ in range(400):
    os.mkdir("d")
    os.chdir("d")
open("deep", "w").write("x" * 1000)
print("made", flush=True)
"""
    seen = rig.do(rig.inside("python3", "-c", script, bounds=small))
    assert seen.stdout == "made\n"
    assert (rig.workspace / "d").stat().st_uid == rig.user
    os.system(f"rm -rf {rig.workspace}/d")


def test_endless_output_is_ended_by_whoever_reads_it(rig, small):
    seen = rig.do(rig.inside("yes", bounds=small), output_max=20 * MIB)
    assert seen.over == "output"
    assert seen.output_bytes > 20 * MIB
    assert seen.seconds < 20


def test_a_run_within_its_bounds_hits_nothing(rig, small):
    seen = rig.sh("head -c 1000000 /dev/zero > file; echo done", bounds=small)
    assert (seen.stdout, seen.over, seen.hit) == ("done\n", "", "")


def test_a_group_is_made_bounded_and_removed_with_all_in_it():
    place = cgroup.find_place()
    group = cgroup.make(place, "test", Bounds(64 * MIB, 20))
    process = subprocess.Popen(["sleep", "60"])
    for procs in group.procs:
        Path(procs).write_text(str(process.pid))
    assert group.remove()
    if place.kind == cgroup.NONE:
        assert group == cgroup.Group(cgroup.NONE, ())
        process.kill()
    assert process.wait(5) == -9
    assert not any(folder.exists() for folder in group.folders)


def test_groups_of_the_dead_are_swept_and_those_of_the_living_stay():
    place = cgroup.find_place()
    mine = cgroup.make(place, "alive", Bounds())
    gone = [folder / f"keelway-run-{2**22 + 1}-gone" for folder in place.folders]
    for folder in gone:
        folder.mkdir()
    assert cgroup.sweep(place) == len(gone)
    assert not any(folder.exists() for folder in gone)
    assert all(folder.exists() for folder in mine.folders)
    assert mine.remove()


def test_no_group_stays_behind_a_run(rig, small):
    if not isinstance(rig, Here) or rig.facts().limits == "prlimit":
        return
    rig.sh("setsid sleep 60 & exit 0", bounds=small)
    deadline = time.monotonic() + 5
    folders = cgroup.find_place().folders
    while time.monotonic() < deadline and any(
        list(folder.glob(f"keelway-run-{os.getpid()}-*")) for folder in folders
    ):
        time.sleep(0.05)
    assert not any(list(folder.glob(f"keelway-run-{os.getpid()}-*")) for folder in folders)


UNIFIED = "25 30 0:23 / {point} rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def _unified(tmp_path: Path, own: str, offered: str) -> list[cgroup.Place]:
    """Lay folders out as version 2 does; that the kernel then bounds anything is not shown by this."""
    folder = tmp_path / own.lstrip("/")
    folder.mkdir(parents=True)
    for level in (folder, *folder.parents):
        if level.is_relative_to(tmp_path):
            (level / "cgroup.subtree_control").write_text(offered)
            (level / "cgroup.subtree_control").chmod(0o400)
    return cgroup.candidates(f"0::{own}\n", UNIFIED.format(point=tmp_path))


def test_no_group_is_found_where_nothing_is_mounted():
    assert cgroup.candidates("0::/a\n", "") == []
    assert cgroup.candidates("", "") == []


def test_a_delegated_tree_of_version_2_is_used_beside_our_own_group(tmp_path):
    found = _unified(tmp_path, "/user.slice/keelway.service/main", "cpu memory pids\n")
    assert found[0] == cgroup.Place(cgroup.V2, (tmp_path / "user.slice/keelway.service",))


def test_groups_of_version_1_are_made_below_our_own(tmp_path):
    own = "7:pids:/\n4:memory:/box/one\n0::/\n"
    mounts = "1 2 0:1 /box /m rw - cgroup cgroup rw,memory\n1 2 0:2 / /p rw - cgroup cgroup rw,pids\n"
    assert cgroup.candidates(own, mounts) == [cgroup.Place(cgroup.V1, (Path("/m/one"), Path("/p")))]
