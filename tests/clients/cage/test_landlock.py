"""What the kernel's own fence holds, by trying; and that it says aloud what it does not hold."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from keelway.clients.cage import MIB, Bounds, Inside, Settings, choose_cage
from keelway.clients.cage.landlock import Landlock
from keelway.clients.cage.reach import reaches
from keelway.clients.shell import Command, Done, run

READS = (os.path.realpath(sys.base_prefix),)
PYTHON = (os.path.realpath(sys.executable), "-I", "-S", "-c")


@pytest.fixture
def cage() -> Landlock:
    cage = Landlock(Settings())
    facts = cage.facts()
    if not facts.works:
        pytest.skip(f"no Landlock here: {facts.missing}")
    return cage


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("home", "workspace"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret").write_text("planted")
    return tmp_path


def described(place: Path, *argv: str, **changes) -> Inside:
    told = {
        "env": {"PATH": "/usr/bin:/bin", "HOME": str(place / "home")},
        "cwd": str(place / "workspace"),
        "home": str(place / "home"),
        "workspace": str(place / "workspace"),
        "reads": READS,
    }
    return Inside(argv=argv, **{**told, **changes})


def carry_out(cage: Landlock, inside: Inside) -> Done:
    outside = cage.wrap(inside)
    try:
        return run(Command(outside.argv, outside.cwd, outside.env, 30.0))
    finally:
        cage.release(inside)


def test_the_workspace_and_the_home_are_writable_and_nothing_else(cage, place):
    script = (
        'echo a > here; echo b > "$HOME/there"; echo c > "$TMPDIR/more"; echo d > ../outside; cat ../secret'
    )
    done = carry_out(cage, described(place, "/bin/sh", "-c", script))
    assert (place / "workspace" / "here").read_text() == "a\n"
    assert (place / "home" / "there").read_text() == "b\n"
    assert not (place / "outside").exists()
    assert b"planted" not in done.stdout
    assert done.exit_code != 0


def test_without_leave_to_write_the_workspace_can_only_be_read(cage, place):
    (place / "workspace" / "text").write_text("given")
    script = "cat text; echo spoilt > text; touch more; rm -f text; mv text gone"
    done = carry_out(cage, described(place, "/bin/sh", "-c", script, writes=False))
    assert done.stdout == b"given"
    assert [path.name for path in (place / "workspace").iterdir()] == ["text"]
    assert (place / "workspace" / "text").read_text() == "given"


def test_what_may_be_read_can_be_read_at_its_own_path(cage, place):
    done = carry_out(cage, described(place, "cat", str(place / "secret"), reads=(str(place / "secret"),)))
    assert done.stdout == b"planted"


def test_only_the_named_port_can_be_reached(cage, place):
    heard = []

    def serve(line: socket.socket) -> None:
        while True:
            try:
                guest, _ = line.accept()
            except OSError:
                return
            with guest:
                heard.append(line.getsockname()[1])

    lines = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for line in lines:
        threading.Thread(target=serve, args=(line,), daemon=True).start()
    open_port, other = (line.getsockname()[1] for line in lines)
    script = (
        "import socket, sys\n"
        f"for port in ({open_port}, {other}):\n"
        "    try: socket.create_connection(('127.0.0.1', port), 2).close(); print(port)\n"
        "    except OSError as error: print(type(error).__name__)\n"
    )
    done = carry_out(cage, described(place, *PYTHON, script, ports=(open_port,)))
    for line in lines:
        line.close()
    assert done.stdout.decode().split() == [str(open_port), "PermissionError"]
    assert set(heard) == {open_port}


def test_environment_input_output_and_exit_code_are_those_of_the_command(cage, place):
    inside = described(place, *PYTHON, "import os, sys; print(os.environ['SAID']); sys.exit(7)")
    done = carry_out(cage, Inside(**{**vars(inside), "env": {**inside.env, "SAID": "hello"}}))
    assert (done.exit_code, done.stdout) == (7, b"hello\n")


def test_a_program_that_is_not_there_is_told(cage, place):
    done = carry_out(cage, described(place, "/no/such/program"))
    assert done.exit_code == 125
    assert b"/no/such/program could not be started behind the fence" in done.stderr


def test_no_rights_are_left(cage, place):
    done = carry_out(cage, described(place, "grep", "-E", "^(Cap|NoNewPrivs|Seccomp):?", "/proc/self/status"))
    rows = dict(row.split(":\t") for row in done.stdout.decode().splitlines())
    assert {rows[name] for name in rows if name.startswith("Cap")} == {"0" * 16}
    assert rows["NoNewPrivs"] == "1"
    assert rows["Seccomp"] == "2"


def test_it_says_aloud_that_it_is_weak(cage):
    facts = cage.facts()
    assert facts.trusted_only
    assert not facts.isolates_network
    assert any("processes of the machine" in lack for lack in facts.missing)
    assert choose_cage("landlock", Settings()).name == "landlock"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_becomes_another_user_where_that_one_can_get_to_everything(cage):
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-"))
    try:
        folder.chmod(0o755)
        for name in ("home", "workspace"):
            (folder / name).mkdir()
        script = "id -u; echo new > file; chmod 4755 file; stat -c %u ."
        done = carry_out(cage, described(folder, "/bin/sh", "-c", script, reads=()))
        assert done.stdout == b"61000\n61000\n"
        made = (folder / "workspace" / "file").stat()
        assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (0, 0o755)
        folder.chmod(0o700)
        done = carry_out(cage, described(folder, "/bin/sh", "-c", script, reads=()))
        assert done.stdout == b"0\n0\n"
        assert stat.S_IMODE((folder / "workspace" / "file").stat().st_mode) == 0o755
    finally:
        shutil.rmtree(folder)


def test_a_run_that_fills_the_disk_is_noticed(cage, place):
    inside = described(place, "dd", "if=/dev/zero", "of=full", "bs=1M", "count=8")
    inside = replace(inside, bounds=Bounds(disk_bytes_max=4_000_000))
    outside = cage.wrap(inside)
    run(Command(outside.argv, outside.cwd, outside.env, 30.0))
    assert cage.over(inside) == "disk"
    assert cage.release(inside) == "disk"
    assert cage.release(inside) == ""


def test_memory_is_bounded_where_a_control_group_is_ours(cage, place):
    if cage.facts().limits == "prlimit":
        pytest.skip("no control group is ours here")
    inside = described(place, *PYTHON, "held = bytearray(200 * 1024 * 1024); print(len(held))")
    inside = replace(inside, bounds=Bounds(memory_bytes=64 * MIB))
    outside = cage.wrap(inside)
    done = run(Command(outside.argv, outside.cwd, outside.env, 30.0))
    assert (done.exit_code, done.stdout) == (-9, b"")
    assert cage.release(inside) == "memory"


@pytest.mark.parametrize(
    ("mode", "owner", "may"), [(0o755, 0, True), (0o750, 0, False), (0o700, 61_000, True), (0o070, 0, False)]
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_who_could_get_to_a_place_is_told_by_its_modes(mode, owner, may):
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-"))
    try:
        (folder / "file").write_text("")
        (folder / "file").chmod(0o644)
        os.chown(folder, owner, owner or 0)
        folder.chmod(mode)
        assert reaches(61_000, [str(folder / "file")], [str(folder)]) is may
        assert not reaches(61_000, [str(folder / "missing")], [])
    finally:
        shutil.rmtree(folder)
