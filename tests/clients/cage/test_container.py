"""Runs in containers of a real engine, Podman's, through the Docker API."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keelway.clients.cage import MIB, Bounds, Inside, Settings, choose_cage
from keelway.clients.cage.container import Container
from keelway.clients.shell import Command, Done, create_time, end_tree, run
from keelway.clients.trial import Subject, try_cage
from keelway.core.cage.attack import Outcome, judge_trial
from keelway.core.errors import YourFault

from .engine import Engine, NoEngine, engine

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

USER = 61_000


@pytest.fixture(scope="module")
def podman() -> Iterator[Engine]:
    try:
        with engine() as started:
            yield started
    except NoEngine as reason:
        pytest.skip(f"containers: {reason}")


@pytest.fixture(scope="module")
def cage(podman: Engine) -> Container:
    return Container(Settings(image=podman.image, engine=podman.address))


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-")).resolve()
    for name in ("home", "workspace"):
        (folder / name).mkdir()
    (folder / "secret").write_text("planted")
    yield folder
    shutil.rmtree(folder)


def described(place: Path, *argv: str, **changes) -> Inside:
    told = {
        "env": {"PATH": "/usr/bin:/bin", "HOME": str(place / "home")},
        "cwd": str(place / "workspace"),
        "home": str(place / "home"),
        "workspace": str(place / "workspace"),
    }
    return Inside(argv=argv, **{**told, **changes})


def carry_out(cage: Container, inside: Inside, stdin: bytes = b"") -> Done:
    outside = cage.wrap(inside)
    try:
        return run(Command(outside.argv, outside.cwd, outside.env, 60.0, stdin=stdin))
    finally:
        cage.release(inside)


def test_it_works_and_says_so(cage):
    facts = cage.facts()
    assert facts.works, facts.missing
    assert (facts.isolates_network, facts.trusted_only) == (True, False)


def test_input_outputs_environment_and_exit_code_are_those_of_the_command(cage, place, podman):
    script = 'cat; echo "$SAID"; echo complaint >&2; id -u; exit 7'
    inside = described(place, "/bin/sh", "-c", script)
    done = carry_out(cage, replace(inside, env={**inside.env, "SAID": "hello"}), b"given\n" * 10_000)
    assert done.exit_code == 7
    assert done.stdout.decode().splitlines()[-2:] == ["hello", str(USER)]
    assert done.stdout.count(b"given\n") == 10_000
    assert done.stderr == b"complaint\n"
    assert podman.names() == []


def test_workspace_and_home_are_written_and_given_back(cage, place):
    (place / "workspace" / "old").write_text("old")
    script = (
        'cat old; echo new > new; chmod 4755 new; echo mine > "$HOME/file"; echo no > /etc/no; cat ../secret'
    )
    done = carry_out(cage, described(place, "/bin/sh", "-c", script))
    assert done.stdout == b"old"
    made = (place / "workspace" / "new").stat()
    assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (os.geteuid(), 0o755)
    assert (place / "home" / "file").read_text() == "mine\n"


def test_a_workspace_that_is_only_to_be_read_is_not_written(cage, place):
    (place / "workspace" / "old").write_text("old")
    reads = (str(place / "secret"),)
    script = "cat old ../secret; echo spoilt > old; touch new"
    done = carry_out(cage, described(place, "/bin/sh", "-c", script, writes=False, reads=reads))
    assert done.stdout == b"oldplanted"
    assert (place / "workspace" / "old").read_text() == "old"
    assert not (place / "workspace" / "new").exists()


def test_what_lies_below_a_closed_folder_is_reached(cage):
    """The home of root is closed on the host and in the image."""
    folder = Path(tempfile.mkdtemp(prefix="kw-cage-", dir=Path.home()))
    try:
        for name in ("home", "workspace"):
            (folder / name).mkdir()
        done = carry_out(cage, described(folder, "/bin/sh", "-c", "echo new > new; ls"))
        assert done.stdout == b"new\n", done.stderr
    finally:
        shutil.rmtree(folder)


def test_a_loopback_port_inside_leads_to_a_socket_outside(cage, place):
    path = str(place / "gateway.sock")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(1)

        def answer() -> None:
            guest, _ = door.accept()
            with guest:
                guest.sendall(guest.recv(100).upper())

        threading.Thread(target=answer, daemon=True).start()
        script = (
            "import socket; line = socket.create_connection(('127.0.0.1', 4180), 5);"
            "line.sendall(b'hello'); print(line.recv(100).decode())"
        )
        done = carry_out(cage, described(place, "python3", "-c", script, relays={4180: path}))
    assert done.stdout == b"HELLO\n", done.stderr


@pytest.mark.parametrize("how", ["terminated", "killed with everything that it started"])
def test_when_the_program_is_ended_so_is_the_container(cage, place, podman, how):
    inside = described(place, "/bin/sh", "-c", "echo up; sleep 100")
    outside = cage.wrap(inside)
    with subprocess.Popen(
        outside.argv, cwd=outside.cwd, env=dict(outside.env), stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout.readline() == b"up\n"
        assert len(podman.names()) == 1
        started_at = create_time(process.pid)
        if how == "terminated":
            process.send_signal(signal.SIGTERM)
        else:
            assert end_tree(process.pid, started_at, 0)
        process.wait(20)
    deadline = time.monotonic() + 10
    while podman.names() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert podman.names() == []
    cage.release(inside)


def test_what_a_crash_left_is_removed_before_the_next_run(cage, place, podman):
    label = cage.label(described(place, "true"))
    podman.podman("run", "--detach", "--label", f"keelway.run={label}", podman.image, "sleep", "100")
    assert len(podman.names()) == 1
    assert carry_out(cage, described(place, "/bin/sh", "-c", "echo again")).stdout == b"again\n"
    assert podman.names() == []


def test_memory_and_disk_are_bounded(cage, place):
    script = "held = bytearray(200 * 1024 * 1024); print(len(held))"
    bounds = Bounds(memory_bytes=64 * MIB)
    done = carry_out(cage, described(place, "python3", "-c", script, bounds=bounds))
    assert (done.exit_code, done.stdout) == (137, b"")
    full = described(place, "dd", "if=/dev/zero", "of=full", "bs=1M", "count=8")
    full = replace(full, bounds=Bounds(disk_bytes_max=4_000_000))
    outside = cage.wrap(full)
    run(Command(outside.argv, outside.cwd, outside.env, 30.0))
    assert cage.over(full) == "disk"
    assert cage.release(full) == "disk"


def test_the_battery_does_not_get_through(cage):
    seen = try_cage(Subject(cage, USER, ("python3", "-I", "-S")), lambda _: None)
    trial = judge_trial(cage.name, seen.fenced, seen.control, seen.trouble)
    assert trial.passed, trial.sentence
    assert trial.count(Outcome.ESCAPED) + trial.count(Outcome.KNOWN_GAP) == 0
    assert trial.count(Outcome.BLOCKED) > len(trial.rows) / 2


def test_a_path_that_an_engine_could_read_as_an_option_is_refused(cage, place):
    (place / "odd,ro").mkdir()
    with pytest.raises(YourFault, match="comma"):
        cage.wrap(described(place, "true", reads=(str(place / "odd,ro"),)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(image="x", engine="unix:///nowhere/engine.sock"), "could not be run"),
        (Settings(engine="unix:///nowhere/engine.sock"), "no image is named"),
    ],
)
def test_without_an_engine_or_an_image_it_does_not_work_and_says_why(settings, said, tmp_path):
    cage = choose_cage("container", settings)
    facts = cage.facts()
    assert not facts.works
    assert said in facts.missing[0]
    with pytest.raises(YourFault, match="does not work here"):
        cage.wrap(Inside(("true",), {}, str(tmp_path), str(tmp_path)))


def test_an_image_that_is_not_there_is_told(podman):
    facts = Container(Settings(image="localhost/other:1", engine=podman.address)).facts()
    assert (facts.works, facts.missing) == (False, ("the engine has no image localhost/other:1",))
